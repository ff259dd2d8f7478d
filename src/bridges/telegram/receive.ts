import { type PollerOptions, UpdatePoller } from './poller.ts'
import type { WebhookReceiver } from './webhook.ts'

/** How long the bot polls after its webhook failed, before it is tried again, ms. */
const FALLBACK_MS = 15 * 60_000

/** Receives until the signal fires: by webhook where there is one, by polling otherwise and while the webhook does not work. */
export async function receiveUpdates(
  options: PollerOptions,
  webhook: WebhookReceiver | undefined,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const reason = webhook && (await webhook.run(signal))
    if (signal.aborted) return
    if (reason === undefined) return poll(options, signal)
    options.log.warn({ ev: 'webhook-fallback', reason }, 'updates are polled for a while')
    const until = new AbortController()
    const onAbort = (): void => until.abort()
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(onAbort, FALLBACK_MS)
    try {
      const onState: PollerOptions['onState'] = (state) =>
        options.onState(state.kind === 'ok' ? { kind: 'webhook', reason: `${reason}: polling instead` } : state)
      await poll({ ...options, onState }, until.signal)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }
}

async function poll(options: PollerOptions, signal: AbortSignal): Promise<void> {
  const poller = new UpdatePoller(options)
  await poller.run(signal)
  await poller.confirm()
}
