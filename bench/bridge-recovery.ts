// From the start of the process to the first bridged message while thousands wait (bridging 23.6).
import { setTimeout as pause } from 'node:timers/promises'
import { type Pair, startBridgeRig } from './bridge-rig.ts'

export interface RecoveryFigures {
  readonly waiting: number
  /** ms from the start of the process. Bar: 10,000. */
  readonly firstMs: number
  readonly allMs: number
}

const LANES = 10
const LIMIT_MS = 300_000
const BATCH = 500
const LOOK_MS = 20

/** Discord answers nothing until the gateway was killed with everything in its outbox. */
export async function measureRecovery(waiting: number): Promise<RecoveryFigures> {
  const rig = await startBridgeRig({ pairs: LANES, synchronousCommit: true })
  try {
    await rig.discord.fault({ method: 'POST', route: 'webhooks', effect: { kind: 'status', status: 503 } })
    const share = waiting / LANES
    for (const pair of rig.pairs) {
      for (let at = 0; at < share; at += BATCH) {
        const texts = Array.from({ length: Math.min(BATCH, share - at) }, (_, i) => `message ${at + i + 1}`)
        await rig.telegram.postMany(pair.chat, rig.ada, texts)
      }
    }
    // Nothing unconfirmed at Telegram: all of it is in the gateway's database.
    const deadline = performance.now() + LIMIT_MS
    while ((await rig.telegram.stats()).pendingUpdates > 0 && performance.now() < deadline) await pause(LOOK_MS)
    await rig.killGateway()
    await rig.discord.clearFaults()
    const counts = async (): Promise<number[]> =>
      Promise.all(rig.pairs.map(async ({ channel }: Pair) => (await rig.discord.count({ channel })).count))
    const begun = performance.now()
    const starting = rig.startGateway()
    const until = async (done: (counts: readonly number[]) => boolean): Promise<number> => {
      while (!done(await counts())) {
        if (performance.now() - begun > LIMIT_MS) throw new Error(`not recovered: ${(await counts()).join(' ')}`)
        await pause(LOOK_MS)
      }
      return Math.round(performance.now() - begun)
    }
    const firstMs = await until((all) => all.some((n) => n > 0))
    const allMs = await until((all) => all.every((n) => n >= share))
    await starting
    return { waiting, firstMs, allMs }
  } finally {
    await rig.close()
  }
}
