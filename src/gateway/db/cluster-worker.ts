import { parentPort, workerData } from 'node:worker_threads'
import { createCluster } from './cluster.ts'
import type { ClusterInput } from './worker-input.ts'

// An error ends the thread and reaches the host as its `error` event.
if (parentPort) {
  const { pgData, engine } = workerData as ClusterInput
  await createCluster(pgData, engine)
}
