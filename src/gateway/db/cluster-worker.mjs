// Creates the cluster `pgData`, beside its place and then renamed: an interrupted first start leaves nothing that looks like a
// database. A thread of its own, since it needs several hundred MB that are given back when it ends; plain JavaScript,
// since the first start waits for it. An error reaches the host as the thread's `error` event.
import { rename, rm } from 'node:fs/promises'
import { workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'

/** What a new cluster looks like; changing it does not change existing ones. */
const INITDB_ARGS = [
  // Log segments of 1 MB instead of 16 keep a new directory small and make log files reusable early.
  '--wal-segsize=1',
  // It is built in memory: there is nothing to bring to the disk yet.
  '--no-sync',
]

/** The engine's file system reports failures by number only. */
const ERRNO = { 2: 'EACCES', 19: 'EDQUOT', 51: 'ENOSPC', 69: 'EROFS' }

/** The failure as an error with words and a code: whatever is thrown here must survive the way to another thread. */
function readable(failure) {
  const code = ERRNO[failure?.errno] ?? failure?.code
  return Object.assign(new Error(failure?.message ?? `file system error ${code ?? failure?.errno}`), { code })
}

const { pgData, engine } = workerData
const draft = `${pgData}.new`
await rm(draft, { recursive: true, force: true })
try {
  const db = await PGlite.create(draft, { pgliteWasmModule: engine, initDbStartParams: INITDB_ARGS })
  await db.close()
  await rename(draft, pgData)
} catch (failure) {
  await rm(draft, { recursive: true, force: true })
  throw readable(failure)
}
