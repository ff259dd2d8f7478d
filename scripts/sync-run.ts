// node --import tsx scripts/sync-run.ts [--files n] [--mib n]: two gateways on loopback keep a folder of many files equal; prints how long
// each step took, and fails unless the folders are byte-equal. 10000 files of 1024 MiB: the full run.
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { type FolderAnswer, removeDir, SyncGateway, tempDir, until } from '../test/support/sync-gateway.ts'

const { values } = parseArgs({ options: { files: { type: 'string', default: '500' }, mib: { type: 'string', default: '32' } } })
const count = Number(values.files)
const bytes = Number(values.mib) * 1024 ** 2

/** Many small files, a few large ones: half of the bytes in every fiftieth file. */
async function fill(root: string): Promise<void> {
  const large = Math.max(1, Math.floor(count / 50))
  for (let i = 0; i < count; i++) {
    const size = i < large ? bytes / 2 / large : bytes / 2 / Math.max(1, count - large)
    const path = join(root, `d${i % 100}`, `e${i % 7}`, `file ${i}.bin`)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, randomBytes(Math.max(1, Math.floor(size))))
  }
}

async function digest(root: string): Promise<string> {
  const lines: string[] = []
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    lines.push(
      `${relative(root, path)} ${createHash('sha256')
        .update(await readFile(path))
        .digest('hex')}`,
    )
  }
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex')
}

let last = performance.now()
function step(what: string, files = count): void {
  const seconds = (performance.now() - last) / 1000
  console.log(`${what.padEnd(28)} ${seconds.toFixed(1).padStart(7)} s  ${Math.round(files / seconds)} files/s`)
  last = performance.now()
}

const dir = await tempDir()
const a = new SyncGateway(join(dir, 'a'))
const b = new SyncGateway(join(dir, 'b'), () => [a.gateway?.node.ticket() ?? ''])
let isGood = false
try {
  const root = join(dir, 'folder')
  await fill(root)
  await a.start()
  await b.start()
  const addr = b.gateway?.node.addr()
  if (addr !== undefined) a.gateway?.node.connectTo(addr)
  await b.call('POST', '/sync/devices', { node: a.id, name: 'A' })
  last = performance.now()
  const { id } = await a.call<FolderAnswer>('POST', '/sync/folders', { name: 'Run', path: root, devices: b.id })
  await until('the first look', async () => {
    const folder = await a.folder(id)
    return folder.files === count && folder.status === 'idle'
  })
  step('first scan and publish')
  await until('the invitation', async () => (await b.call<unknown[]>('GET', '/sync/invitations')).length === 1)
  last = performance.now()
  const { path } = await b.call<FolderAnswer>('POST', `/sync/invitations/${id}/accept`, {})
  await until('all files', async () => {
    const folder = await b.folder(id)
    return folder.files === count && folder.status === 'idle'
  })
  step('fetch and apply')
  const isEqual = (await digest(root)) === (await digest(path))
  last = performance.now()
  await a.call('POST', '/jobs/sync', { folder: id })
  await until('the second look', async () => (await a.folder(id)).status === 'idle')
  step('second look')
  isGood = isEqual
  console.log(isEqual ? 'the folders are byte-equal' : 'THE FOLDERS DIFFER')
} finally {
  await b.stop()
  await a.stop()
  await removeDir(dir)
}
process.exit(isGood ? 0 : 1)
