import { afterEach, expect, it } from 'vitest'
import { getRanges } from '../../../src/core/blobs/getter.ts'
import { DEFAULT_PROVIDER_LIMITS } from '../../../src/core/blobs/provider-limits.ts'
import { ALL } from '../../../src/core/blobs/tree/ranges.ts'
import type { Connection } from '../../../src/core/net/transport.ts'
import { codeOf } from '../net/support.ts'
import { blob, hashOfData, Rig } from './download/rig.ts'

const open: Rig[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((r) => r.close()))
})

const MOST = DEFAULT_PROVIDER_LIMITS.connectionsPerPeer
const DATA = blob(40_000)
const sink = { size: async () => {}, pair: async () => {}, leaf: async () => {} }
const get = (connection: Connection) =>
  codeOf(getRanges(connection, { hash: hashOfData(DATA), ranges: ALL, maxSize: 1e6, stallMs: 5_000 }, sink))

it('a peer that makes a new connection for every download, and leaves them open, is served', async () => {
  const r = new Rig()
  open.push(r)
  const provider = r.has(DATA)
  const connections: Connection[] = []
  for (let i = 0; i < 30; i++) {
    const connection = await r.dial(provider, {})
    connections.push(connection)
    expect(await get(connection)).toBe('resolved')
  }
  // The ones used last are still there.
  expect(connections.slice(-4).map((c) => c.isClosed)).toEqual([false, false, false, false])
  expect(await get(connections.at(-2) as Connection)).toBe('resolved')
  expect(provider.provider.load().connections).toBeLessThanOrEqual(MOST)
})

it('connections in use are not given up for a new one', async () => {
  const r = new Rig()
  open.push(r)
  const provider = r.has(DATA)
  const busy: Connection[] = []
  for (let i = 0; i < MOST; i++) {
    const connection = await r.dial(provider, {})
    // A request that is not finished keeps its connection busy.
    const { send } = await connection.openBi()
    await send.write(new Uint8Array([0]))
    busy.push(connection)
  }
  while (provider.provider.load().requests < MOST) await new Promise((go) => setTimeout(go, 5))
  const extra = await r.dial(provider, {})
  expect(await extra.closed).toMatchObject({ by: 'remote', code: 2n })
  expect(busy.every((c) => !c.isClosed)).toBe(true)
})
