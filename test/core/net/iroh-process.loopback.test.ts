import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import type { Connection, PeerAddr } from '../../../src/core/net/transport.ts'
import { ALPN, acceptOne, bindLoopback, codeOf, connectPair } from './support.ts'

function child(
  scenario: string,
  flags: string[] = [],
  args: string[] = [],
): { process: ChildProcess; lines: unknown[]; line: () => Promise<unknown> } {
  const script = new URL('./children/iroh-child.ts', import.meta.url).pathname
  const process_ = spawn(process.execPath, [...flags, '--import', 'tsx', script, scenario, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: unknown[] = []
  const reader = createInterface({ input: process_.stdout as NonNullable<ChildProcess['stdout']> })
  reader.on('line', (line) => lines.push(JSON.parse(line)))
  return { process: process_, lines, line: async () => JSON.parse(((await once(reader, 'line')) as [string])[0]) }
}

async function runToEnd(scenario: string, flags?: string[]): Promise<unknown[]> {
  const { process: running, lines } = child(scenario, flags)
  const [code, signal] = await once(running, 'close')
  expect([code, signal]).toEqual([0, null])
  return lines
}

test('a process ends by itself once its endpoints are closed, and nothing is left unhandled', async () => {
  expect(await runToEnd('lifecycle')).toEqual([{ closed: true }])
})

test('strangers cannot crash or stall an endpoint', async () => {
  const [report, ...rest] = await runToEnd('strangers')
  expect(rest).toEqual([])
  expect(report).toMatchObject({ wrong: 'NET_WRONG_PEER', friend: false, served: 1, stats: { accepted: 1, connections: 1 } })
  const { codes } = report as { codes: string[] }
  expect(codes).toContain('NET_ALPN')
  expect(codes).not.toContain('connected')
})

test('garbage collection never shows on the network', async () => {
  expect(await runToEnd('garbage', ['--expose-gc'])).toEqual([
    { complete: true, count: 30, idleAnswer: [1, 2], closed: false, forgottenEnded: false },
  ])
})

test('calls that the library answers with an abort do not reach it', async () => {
  expect(await runToEnd('guards')).toEqual([
    { levels: ['Error', 'Error'], codes: Array(3).fill('NET_BIND_FAILED'), staging: null },
  ])
})

test('a killed peer is noticed, later than at once and not never', async () => {
  const victim = child('victim')
  const { addr } = (await victim.line()) as { addr: PeerAddr }
  const node = await bindLoopback()
  const connection = await node.connect(addr, ALPN)
  const stream = await connection.openUni()
  await stream.write(Uint8Array.of(1))
  const waiting = [connection.acceptUni(), connection.acceptBi()].map(codeOf)
  victim.process.kill('SIGKILL')
  await once(victim.process, 'close')
  expect(connection.isClosed).toBe(false)
  expect((await connection.closed).by).toBe('lost')
  expect(await Promise.all(waiting)).toEqual(['NET_CLOSED', 'NET_CLOSED'])
  expect(await codeOf(stream.write(Uint8Array.of(2)))).toBe('NET_CLOSED')
  await node.close()
})

test('a peer that died and came back at another port can be dialed, and is met anew where the way to it was lost', async () => {
  const node = await bindLoopback()
  const accepted: Connection[] = []
  const call = async (): Promise<{ process: ChildProcess; addr: PeerAddr }> => {
    const caller = child('caller', [], [JSON.stringify(node.localAddr())])
    const [{ addr }, connection] = await Promise.all([caller.line() as Promise<{ addr: PeerAddr }>, acceptOne(node)])
    accepted.push(connection)
    return { process: caller.process, addr }
  }
  const first = await call()
  first.process.kill('SIGKILL')
  await once(first.process, 'close')
  const second = await call()
  // The library still sends to where the dead process was, as long as a connection to the peer is open.
  const connection = await node.connect(second.addr, ALPN, { deadlineMs: 28_000 })
  expect(connection.isClosed).toBe(false)
  expect(await Promise.all(accepted.map(async (one) => (await one.closed).by))).toEqual(['lost', 'lost'])
  second.process.kill('SIGKILL')
  await node.close()
})

test('an occupied port is reported with its address', async () => {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const addr = `127.0.0.1:${socket.address().port}`
  const error = await bindLoopback([ALPN], [addr]).catch((e) => e)
  expect(error).toMatchObject({ code: 'NET_BIND_FAILED', kind: 'config', message: expect.stringContaining(`${addr} is in use`) })
  socket.close()
})

test('noise on the port is ignored', async () => {
  const [a, b] = [await bindLoopback(), await bindLoopback()]
  const port = Number(b.localAddr().direct[0]?.split(':').at(-1))
  const socket = createSocket('udp4')
  for (let i = 0; i < 200; i++) {
    const junk = Buffer.alloc(1 + i * 7, i)
    await new Promise((sent) => socket.send(junk, port, '127.0.0.1', sent))
  }
  socket.close()
  const [ca] = await connectPair(a, b)
  expect(ca.isClosed).toBe(false)
  await Promise.all([a.close(), b.close()])
})

test('an endpoint binds the addresses it was given and names them', async () => {
  const node = await bindLoopback([ALPN], ['[::1]:0'])
  expect(node.localAddr().direct.map((addr) => addr.replace(/\d+$/, ''))).toEqual(['127.0.0.1:', '[::1]:'])
  expect(node.localAddr().id).toBe(node.id)
  await node.close()
  expect(node.localAddr().direct.length).toBe(2)
})

test('closing is quick even while a dial to a dead address is pending', async () => {
  const [a, b] = [await bindLoopback(), await bindLoopback()]
  const dial = codeOf(a.connect({ id: b.id, direct: ['127.0.0.1:9'] }, ALPN))
  const accepted = acceptOne(b).catch(() => undefined)
  await a.close()
  expect(await dial).toBe('NET_CLOSED')
  await b.close()
  await accepted
})
