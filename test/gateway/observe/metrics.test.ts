import { describe, expect, it } from 'vitest'
import type { Bridge } from '../../../src/bridges/port.ts'
import { bridgeMetrics } from '../../../src/gateway/observe/bridge-metrics.ts'
import { Metrics } from '../../../src/gateway/observe/metrics.ts'
import type { LaneStatus, Pipeline } from '../../../src/gateway/pipeline/index.ts'

const lane = (over: Partial<LaneStatus>): LaneStatus => ({
  lane: 'telegram/main/-1001/',
  network: 'telegram',
  account: 'main',
  depth: 0,
  parked: 0,
  oldestMs: 0,
  state: 'idle',
  ...over,
})

describe('metrics of bridges', () => {
  it('tell what waits where and how accounts are, without a single id of a place', async () => {
    const lanes = [
      lane({ depth: 3, oldestMs: 4_000, state: 'suspended' }),
      lane({ lane: 'telegram/main/-1002/', depth: 2, oldestMs: 9_000 }),
    ]
    const pipeline = {
      admin: { lanes: async () => lanes, countDeadLetters: async () => 7 },
      stats: () => ({ counters: [], histograms: [], waiting: 0, inflight: 4 }),
    } as unknown as Pipeline
    const discord = {
      network: 'discord',
      account: 'main',
      health: () => ({ status: 'degraded', reason: 'reconnecting' }),
      stats: () => ({ identified: 1, resumed: 5, disconnected: 6 }),
    } as unknown as Bridge
    const metrics = new Metrics({
      pipeline: () => pipeline.stats(),
      gauges: () => ({}),
      more: () => bridgeMetrics({ pipeline, bridges: () => [discord], mediaBytes: () => 1024 }),
      parts: () => [],
    })
    const text = await metrics.text()
    for (const line of [
      'k2_bridge_lane_depth{network="telegram",account="main"} 5',
      'k2_bridge_lane_oldest_seconds{network="telegram",account="main"} 9',
      'k2_bridge_lanes_suspended{network="telegram",account="main"} 1',
      'k2_bridge_inflight 4',
      'k2_bridge_dead_letters 7',
      'k2_bridge_media_bytes_total 1024',
      'k2_bridge_account_state{network="discord",account="main"} 1',
      'k2_bridge_gateway_reconnects_total{network="discord",account="main",kind="resumed"} 5',
    ])
      expect(text).toContain(line)
    expect(text).not.toContain('-100')
  })
})
