import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seededRng } from '../../src/base/random.ts'
import { GatewaySide } from '../support/folder-side.ts'
import { runSync } from '../support/sync-run.ts'

const FILES = 300
const KILLS = 3

let dir: string
let sides: GatewaySide[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-sync-kills-'))
})
afterEach(async () => {
  await Promise.all(sides.map((side) => side.kill()))
  sides = []
  await rm(dir, { recursive: true, force: true })
})

describe(`a folder of ${FILES} files between two gateways, one of which is killed ${KILLS} times`, { timeout: 600_000 }, () => {
  it('ends byte-equal, and neither another look nor silence writes an entry', async () => {
    const [own, other] = [await GatewaySide.address(), await GatewaySide.address()]
    const offering = await GatewaySide.prepare(dir, 'offering', own, other)
    const taking = await GatewaySide.prepare(dir, 'taking', other, own)
    sides = [offering, taking]
    const options = { files: FILES, bytes: 16 * 1024 ** 2, kills: KILLS, idleSeconds: 2, rng: seededRng(5) }
    const figures = await runSync(offering, taking, join(dir, 'folder'), options)
    expect(figures).toMatchObject({ kills: KILLS, entries: FILES })
  })
})
