// emucxl/queue: a queue in the memory of a node.

export {
  Queue,
  type QueueNodeStats,
  type QueueOptions,
  type QueuePlacement,
  type QueueStats,
} from './queue.js'
