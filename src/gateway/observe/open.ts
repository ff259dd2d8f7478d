import type { Bridge } from '../../bridges/port.ts'
import type { BlobProvider } from '../../core/blobs/index.ts'
import type { K2Node } from '../../core/index.ts'
import { providerGauges } from '../blobs/provider-gauges.ts'
import { nodeGauges } from '../groundwork.ts'
import type { Control } from '../http/control.ts'
import type { Pipeline } from '../pipeline/index.ts'
import { bridgeMetrics } from './bridge-metrics.ts'
import { Metrics } from './metrics.ts'

interface Gauged {
  readonly gauges: () => Readonly<Record<string, number>>
}

export interface MetricParts {
  readonly pipeline: Pipeline
  readonly node: K2Node
  readonly blobs: BlobProvider
  /** Capabilities with numbers of their own. */
  readonly gauged: readonly Gauged[]
  readonly bridges: () => readonly Bridge[]
  /** Bytes of files fetched for messages since the start. */
  readonly mediaBytes: () => number
  readonly control: Pick<Control, 'health'>
}

/** Everything the metrics page shows (bridging 20). */
export function openMetrics({ pipeline, node, blobs, gauged, bridges, mediaBytes, control }: MetricParts): Metrics {
  return new Metrics({
    pipeline: () => pipeline.stats(),
    gauges: () => Object.assign({}, nodeGauges(node), providerGauges(blobs), ...gauged.map((part) => part.gauges())),
    more: () => bridgeMetrics({ pipeline, bridges, mediaBytes }),
    parts: control.health,
  })
}
