// Package steal runs many tasks of unknown size on a few workers and keeps all of them busy
// until the very end.
//
//	err := steal.Run(ctx, 8, objects, func(ctx context.Context, o object, spawn func(part)) error {
//		...
//	})
//
// Every worker owns a deque. A running task may spawn more tasks; they go onto the deque of
// its worker. A worker looks for its next task in this order:
//
//  1. the newest task of its own deque: what it has just begun stays warm, and work that was
//     started is finished before more is begun;
//  2. the older half of the deque of another worker, chosen at random: one theft moves as much
//     as it can, and the oldest tasks are those their owner would reach last;
//  3. the seed, an iterator that is read ahead by a bounded number of tasks and no further.
//
// With [Options].Apart the seed comes before other workers' tasks.
//
// So a huge object that is split into parts is soon shared by everybody, while a million small
// ones flow through without being held in memory. Nothing needs to be known about sizes in
// advance, which is what makes the result good for skewed loads.
//
// The package knows nothing about files, objects or copying. It uses the standard library only.
package steal
