import type { Bridge } from '../../bridges/port.ts'
import type { Pipeline, Sample } from '../pipeline/index.ts'

export interface BridgeMetricParts {
  readonly pipeline: Pick<Pipeline, 'admin' | 'stats'>
  readonly bridges: () => readonly Bridge[]
  /** Bytes of files fetched for messages since the start. */
  readonly mediaBytes: () => number
}

const STATE = { ok: 0, degraded: 1, failed: 2 } as const

/** What counters cannot tell (bridging 20): what waits where, how accounts are, how often they reconnected. */
export async function bridgeMetrics({ pipeline, bridges, mediaBytes }: BridgeMetricParts): Promise<readonly Sample[]> {
  const lanes = await pipeline.admin.lanes()
  const accounts = new Map<string, { depth: number; oldest: number; suspended: number }>()
  for (const { network, account, depth, oldestMs, state } of lanes) {
    const key = `${network}/${account}`
    const sum = accounts.get(key) ?? { depth: 0, oldest: 0, suspended: 0 }
    accounts.set(key, {
      depth: sum.depth + depth,
      oldest: Math.max(sum.oldest, oldestMs),
      suspended: sum.suspended + (state === 'suspended' ? 1 : 0),
    })
  }
  const labelsOf = (key: string) => {
    const [network = '', account = ''] = key.split('/')
    return { network, account }
  }
  return [
    ...[...accounts].flatMap(([key, { depth, oldest, suspended }]) => [
      { name: 'bridge_lane_depth', labels: labelsOf(key), value: depth },
      { name: 'bridge_lane_oldest_seconds', labels: labelsOf(key), value: oldest / 1000 },
      { name: 'bridge_lanes_suspended', labels: labelsOf(key), value: suspended },
    ]),
    { name: 'bridge_inflight', labels: {}, value: pipeline.stats().inflight },
    { name: 'bridge_dead_letters', labels: {}, value: await pipeline.admin.countDeadLetters() },
    { name: 'bridge_media_bytes_total', labels: {}, value: mediaBytes() },
    ...bridges().flatMap((bridge) => {
      const labels = { network: bridge.network, account: bridge.account }
      const state = { name: 'bridge_account_state', labels, value: STATE[bridge.health().status] }
      return [
        state,
        ...gaps(bridge).map((value) => ({ name: 'bridge_catch_up_gaps_total', labels, value })),
        ...reconnects(bridge).map(([kind, value]) => ({
          name: 'bridge_gateway_reconnects_total',
          labels: { ...labels, kind },
          value,
        })),
      ]
    }),
  ]
}

/** Absences a bridge could not make up for. */
function gaps(bridge: Bridge): readonly number[] {
  const value = (bridge as { stats?: () => Readonly<Record<string, unknown>> }).stats?.().gaps
  return typeof value === 'number' ? [value] : []
}

/** Sessions of bridges that keep one: begun anew, resumed, lost. */
function reconnects(bridge: Bridge): (readonly [string, number])[] {
  const stats = (bridge as { stats?: () => Readonly<Record<string, unknown>> }).stats?.()
  return (['identified', 'resumed', 'disconnected'] as const).flatMap((kind) => {
    const value = stats?.[kind]
    return typeof value === 'number' ? [[kind, value] as const] : []
  })
}
