// node --import tsx scripts/sync-run.ts [--files n] [--mib n] [--kills n] [--idle seconds] [--sides ts-ts|ts-rust|rust-ts] [--seed n]
// A folder of many files kept equal by two processes over loopback: two gateways, or a gateway and a Rust node, the first named offers
// the folder. Fails unless every file is byte-equal, and neither a second look nor silence writes an entry. 10000 files of 1024 MiB:
// the full run.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRng } from '../src/base/random.ts'
import { buildPeer } from '../test/interop/lab/build.ts'
import { type FolderSide, GatewaySide } from '../test/support/folder-side.ts'
import { RustDesktop } from '../test/support/rust-desktop.ts'
import { runSync } from '../test/support/sync-run.ts'

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '500' },
    mib: { type: 'string', default: '32' },
    kills: { type: 'string', default: '0' },
    idle: { type: 'string', default: '5' },
    sides: { type: 'string', default: 'ts-ts' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    keep: { type: 'boolean', default: false },
  },
})
const dir = await mkdtemp(join(tmpdir(), 'k2gw-sync-run-'))
const kinds = values.sides.split('-')
const build = kinds.includes('rust') ? await buildPeer() : undefined
if (build !== undefined && build.status !== 'built') throw new Error('the Rust peer cannot be built here')
const [own, other] = [await GatewaySide.address(), await GatewaySide.address()]
const side = async (kind: string | undefined, at: typeof own, peer: typeof own, name: string): Promise<FolderSide> =>
  kind === 'rust' && build?.status === 'built'
    ? new RustDesktop({ name: `rust ${name}`, binary: build.binary, dir: join(dir, name), own: at, peer })
    : await GatewaySide.prepare(dir, name, at, peer)
const offering = await side(kinds[0], own, other, 'offering')
const taking = await side(kinds[1], other, own, 'taking')
console.log(`${values.files} files, ${values.mib} MiB, ${values.kills} kills, ${values.sides}, seed ${values.seed}`)
let isGood = false
try {
  await runSync(offering, taking, join(dir, 'folder'), {
    files: Number(values.files),
    bytes: Number(values.mib) * 1024 ** 2,
    kills: Number(values.kills),
    idleSeconds: Number(values.idle),
    rng: seededRng(Number(values.seed)),
    report: (line) => console.log(line),
  })
  isGood = true
} catch (error) {
  console.error(error)
} finally {
  await Promise.all([offering.kill(), taking.kill()])
  if (!values.keep) await rm(dir, { recursive: true, force: true })
  else console.log(dir)
}
process.exit(isGood ? 0 : 1)
