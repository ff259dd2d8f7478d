// npm run demo [-- --check] [--port N]: a gateway with its web chat and three scripted K2 nodes, all on this machine.
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { withDeadline } from '../src/base/async.ts'
import { createLogger } from '../src/gateway/observe/logger.ts'
import { CHECK_MS, type CheckReport, checkHops } from './demo/check.ts'
import { CONTACT_ROOM, openStage, TOPIC_ROOM } from './demo/stage.ts'

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, port: { type: 'string' }, verbose: { type: 'boolean', default: false } },
})
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const port = values.port === undefined ? (values.check ? 0 : 8787) : Number(values.port)
const log = createLogger({ level: values.verbose ? 'debug' : 'warn', pretty: 'auto', instance: 'demo' })
const begun = performance.now()

try {
  const stage = await openStage({ log, port, signal: stop.signal })
  const startMs = Math.round(performance.now() - begun)
  try {
    if (values.check) {
      const timedOut: CheckReport = { ok: false, latencyMs: {}, failed: { demo: `not done after ${CHECK_MS} ms` } }
      const report = await withDeadline(checkHops(stage), { ms: CHECK_MS, what: 'the demo', signal: stop.signal }).catch(
        () => timedOut,
      )
      console.log(JSON.stringify({ ...report, startMs }))
      process.exitCode = report.ok ? 0 : 1
    } else {
      console.log(`K2 gateway demo (started in ${(startMs / 1000).toFixed(1)} s)

  Open ${stage.gateway.url} and pick a name.

  Room "${TOPIC_ROOM}"   a K2 topic. Sam's offer shows up as a card (Bea's node answers it with an interest, to Sam alone).
               Write a line: Sam's node reads it from the topic and answers.
  Room "${CONTACT_ROOM}"    direct messages with the K2 node of Anna. Write to her.

  Open the page twice to see two people talk. Press Ctrl+C to stop.`)
      if (!stop.signal.aborted) await once(stop.signal, 'abort')
    }
  } finally {
    await stage.stop()
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
