// Entry of a fetch worker. Node cannot start a TypeScript worker by itself; the built file needs no help.
import { workerData } from 'node:worker_threads'

if (workerData.entry.endsWith('.ts')) (await import('tsx/esm/api')).register()
await import(workerData.entry)
