import { afterEach, expect, test } from 'vitest'
import type { Place } from '../../../src/bridges/model/place.ts'
import type { NativePart } from '../../../src/bridges/port.ts'
import { bodyOf, type Harness, never, request, startHarness } from './harness.ts'

let h: Harness
afterEach(() => h.stop())

/** Sends one message as the outbox does: again and again, with what is known of earlier attempts. */
async function deliver(place: Place, text: string, identity: 'webhook' | 'bot'): Promise<number> {
  const send = request(place, { body: bodyOf(text), identity })
  const parts: NativePart[] = []
  let ambiguousSince: number | undefined
  for (let attempt = 0; ; attempt++) {
    const at = Date.now()
    const outcome = await h.bridge.send(
      {
        ...send,
        attempt,
        parts: [...parts],
        ...(ambiguousSince !== undefined && { ambiguousSince }),
        onPart: async (part) => {
          parts.push(part)
        },
      },
      never,
    )
    if (outcome.kind === 'done') return attempt
    if (outcome.kind === 'ambiguous') ambiguousSince ??= at
    else if (outcome.kind !== 'not-sent' && outcome.kind !== 'rate-limited') throw new Error(JSON.stringify(outcome))
  }
}

test.each(['webhook', 'bot'] as const)(
  '%s: lost answers, resets and server errors lose and double nothing',
  async (identity) => {
    h = await startHarness()
    const { control, info } = h.fake
    const channels = [
      info.channel,
      control.addChannel({ guild: info.guild, name: 'second' }).id,
      control.addChannel({ guild: info.guild, name: 'third' }).id,
    ]
    control.fault({ method: 'POST', every: 7, effect: { kind: 'response-lost' } })
    control.fault({ method: 'POST', every: 11, effect: { kind: 'half-response' } })
    control.fault({ method: 'POST', every: 19, effect: { kind: 'reset-before' } })
    control.fault({ method: 'POST', every: 23, effect: { kind: 'status', status: 502 } })
    control.fault({ method: 'GET', every: 5, effect: { kind: 'reset-before' } })
    // Some texts are equal on purpose: they are different messages.
    const texts = Array.from({ length: 24 }, (_, i) => (i % 4 === 0 ? 'ok' : `message ${i}`))
    const retries = await Promise.all(
      channels.map(async (channel) => {
        let sum = 0
        for (const text of texts) sum += await deliver({ ...h.place, channel }, text, identity)
        return sum
      }),
    )
    expect(retries.reduce((a, b) => a + b, 0)).toBeGreaterThan(0)
    const prefix = identity === 'bot' ? '**Bob**: ' : ''
    for (const channel of channels)
      expect(control.visible({ channel }).map((m) => m.content)).toEqual(texts.map((t) => prefix + t))
    expect(control.violations()).toEqual([])
  },
  60_000,
)
