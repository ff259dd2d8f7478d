import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { openEndpoint } from '../../../../src/core/net/endpoint.ts'
import { loadIroh, setIrohLogLevel } from '../../../../src/core/net/iroh-binding.ts'
import { bindIrohTransport } from '../../../../src/core/net/iroh-transport.ts'
import type { Connection } from '../../../../src/core/net/transport.ts'
import { ALPN, acceptOne, bindLoopback, connectPair, pattern, readAll } from '../support.ts'

// Scenarios that need a process of their own. Each prints lines of JSON and ends without process.exit unless it says so.
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)
process.on('unhandledRejection', (reason) => say({ unhandled: String(reason) }))

const scenarios: Record<string, () => Promise<void>> = {
  /** Uses everything once, closes, and must then end by itself. */
  async lifecycle() {
    const [a, b] = [await bindLoopback(), await bindLoopback()]
    const [ca, cb] = await connectPair(a, b)
    const pending = [cb.acceptUni(), cb.acceptBi(), a.nextIncoming(), b.nextIncoming()].map((work) => work.catch(() => 'ended'))
    const bi = await ca.openBi()
    await bi.send.write(Uint8Array.of(1))
    const held = bi.recv.read(1).catch(() => 'ended')
    const dial = a.connect({ id: b.id, direct: ['127.0.0.1:9'] }, 'other/1').catch(() => 'ended')
    await Promise.all([a.close(), b.close()])
    await Promise.all([...pending, held, dial])
    say({ closed: true })
  },

  /** Accepts one connection, tells its address, and waits to be killed. */
  async victim() {
    const node = await bindLoopback()
    say({ addr: node.localAddr() })
    const connection = await acceptOne(node)
    await connection.closed
  },

  /** Calls the address it is told, with the same key in every process and a port of its own, and answers calls until it is killed. */
  async caller() {
    const node = await bindIrohTransport({ secretKey: new Uint8Array(32).fill(9), mode: 'loopback', alpns: [ALPN] })
    const connection = await node.connect(JSON.parse(process.argv[3] as string), ALPN)
    const calls: Connection[] = []
    say({ addr: node.localAddr() })
    for (;;) calls.push(await acceptOne(node), connection)
  },

  /** Strangers of every kind against a running endpoint. */
  async strangers() {
    const endpoint = await openEndpoint({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback' })
    let served = 0
    endpoint.handle(ALPN, () => {
      served++
    })
    await endpoint.start()
    const enemy = await bindLoopback()
    const codes = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        enemy.connect(endpoint.addr(), `wrong/${i}`, { deadlineMs: 5_000 }).then(
          () => 'connected',
          (error) => error.code,
        ),
      ),
    )
    const impostor = await bindLoopback()
    const wrong = await impostor.connect({ ...endpoint.addr(), id: enemy.id }, ALPN).catch((error) => error.code)
    const friend = await bindLoopback()
    const connection = await friend.connect(endpoint.addr(), ALPN)
    await delay(50)
    say({ codes: [...new Set(codes)], wrong, friend: connection.isClosed, served, stats: endpoint.stats().router })
    await Promise.all([endpoint.stop(), enemy.close(), impostor.close(), friend.close()])
  },

  /** Garbage is collected all the time while streams are open, idle and half read. */
  async garbage() {
    const gc = globalThis.gc as () => void
    const [a, b] = [await bindLoopback(), await bindLoopback()]
    const serve = async (connection: Connection): Promise<void> => {
      for (;;) {
        const both = await connection.acceptBi()
        void (async () => {
          const question = await readAll(both.recv, 4_096)
          gc()
          await both.send.write(question)
          await both.send.finish()
        })().catch((error) => say({ failed: error.code }))
      }
    }
    let forgottenEnded = false
    const [ca] = await (async () => {
      const [dialed, accepted] = await connectPair(a, b)
      serve(accepted).catch(() => {}) // ends with the connection; nothing else refers to this end
      await (async () => {
        const forgotten = await dialed.openUni() // collected, it would look finished to the reader
        await forgotten.write(Uint8Array.of(7))
      })()
      const recv = await accepted.acceptUni()
      await recv.read(1)
      recv.read(1).then(
        () => (forgottenEnded = true),
        () => {}, // the connection ends at last
      )
      return [dialed]
    })()
    const idle = await ca.openBi()
    await idle.send.write(Uint8Array.of(1))
    const timer = setInterval(gc, 5)
    const sizes = Array.from({ length: 30 }, (_, i) => 1 + i * 9_000)
    const results = await Promise.all(
      sizes.map(async (size) => {
        const both = await ca.openBi()
        await both.send.write(pattern(size))
        await delay(20)
        gc()
        await both.send.finish()
        return Buffer.compare(await readAll(both.recv), pattern(size)) === 0
      }),
    )
    await delay(500)
    gc()
    await delay(500) // a collected connection would be closed by now, a collected stream finished or stopped
    await idle.send.write(Uint8Array.of(2))
    await idle.send.finish()
    const idleAnswer = [...(await readAll(idle.recv))]
    clearInterval(timer)
    say({ complete: results.every(Boolean), count: results.length, idleAnswer, closed: ca.isClosed, forgottenEnded })
    await Promise.all([a.close(), b.close()])
  },

  /** Calls that would abort the process if they reached the library. */
  async guards() {
    const iroh = await loadIroh()
    const levels = [setIrohLogLevel(iroh, 'Error'), setIrohLogLevel(iroh, 'Trace')]
    const bad = [['127.0.0.1:0', '127.0.0.1:0'], ['localhost:1'], ['127.0.0.1:99999']]
    const codes: string[] = []
    for (const bind of bad) codes.push(await bindLoopback([ALPN], bind).then(String, (error) => error.code))
    process.env.IROH_FORCE_STAGING_RELAYS = '1'
    const node = await bindLoopback()
    const staging = process.env.IROH_FORCE_STAGING_RELAYS ?? null
    await Promise.all([node.close(), node.close()])
    say({ levels, codes, staging })
  },
}

await scenarios[process.argv[2] ?? '']?.()
