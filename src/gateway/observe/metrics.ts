import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Health } from '../../base/lifecycle.ts'
import type { PipelineStats, Sample } from '../pipeline/index.ts'

export interface MetricSources {
  readonly pipeline: () => PipelineStats
  /** Plain numbers of the node and the bridges, by metric name. */
  readonly gauges: () => Readonly<Record<string, number>>
  /** Numbers with labels that are worked out for every page view; names that end in `_total` only grow. */
  readonly more?: () => Promise<readonly Sample[]>
  readonly parts: () => readonly { readonly name: string; readonly health: Health }[]
}

const HEALTH_VALUE = { ok: 0, degraded: 1, failed: 2 } as const

/** Prometheus text of everything this process counts. Labels are few and never ids of people or messages. */
export class Metrics {
  readonly #sources: MetricSources
  readonly #process = new Registry()

  constructor(sources: MetricSources) {
    this.#sources = sources
    collectDefaultMetrics({ register: this.#process, prefix: 'k2_' })
  }

  async text(): Promise<string> {
    // A registry of its own per page view: series that no longer exist vanish with it.
    const registry = new Registry()
    const stats = this.#sources.pipeline()
    const byName = new Map<string, Counter>()
    for (const { name, labels, value } of stats.counters) {
      let counter = byName.get(name)
      if (counter === undefined) {
        counter = new Counter({ name: `k2_${name}`, help: name, labelNames: Object.keys(labels), registers: [registry] })
        byName.set(name, counter)
      }
      counter.inc(labels, value)
    }
    const gauge = (name: string, help: string, value: number): void =>
      new Gauge({ name: `k2_${name}`, help, registers: [registry] }).set(value)
    gauge('ingest_waiting', 'events that wait to be stored', stats.waiting)
    gauge('lanes_inflight', 'lanes that send at the moment', stats.inflight)
    for (const [name, value] of Object.entries(this.#sources.gauges())) gauge(name, name, value)
    addSamples(registry, (await this.#sources.more?.()) ?? [])
    const health = new Gauge({
      name: 'k2_part_health',
      help: '0 ok, 1 degraded, 2 failed',
      labelNames: ['part'],
      registers: [registry],
    })
    for (const part of this.#sources.parts()) health.set({ part: part.name }, HEALTH_VALUE[part.health.status])
    return `${await this.#process.metrics()}\n${await registry.metrics()}\n${histogramText(stats.histograms)}`
  }
}

function addSamples(registry: Registry, samples: readonly Sample[]): void {
  const known = new Map<string, Gauge | Counter>()
  for (const { name, labels, value } of samples) {
    const options = { name: `k2_${name}`, help: name, labelNames: Object.keys(labels), registers: [registry] }
    const metric = known.get(name) ?? (name.endsWith('_total') ? new Counter(options) : new Gauge(options))
    known.set(name, metric)
    metric.inc(labels, value)
  }
}

/** The pipeline counts into its own buckets; the exposition format is written out directly. */
function histogramText(samples: PipelineStats['histograms']): string {
  const lines: string[] = []
  for (const [name, group] of grouped(samples)) {
    lines.push(`# HELP k2_${name} ${name}`, `# TYPE k2_${name} histogram`)
    for (const { labels, buckets, count, sum } of group) {
      const text = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      for (const bucket of buckets) lines.push(`k2_${name}_bucket{${[...text, `le="${bucket.le}"`].join(',')}} ${bucket.count}`)
      lines.push(`k2_${name}_bucket{${[...text, 'le="+Inf"'].join(',')}} ${count}`)
      const braces = text.length > 0 ? `{${text.join(',')}}` : ''
      lines.push(`k2_${name}_sum${braces} ${sum}`, `k2_${name}_count${braces} ${count}`)
    }
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : ''
}

function grouped(samples: PipelineStats['histograms']): Map<string, PipelineStats['histograms'][number][]> {
  const groups = new Map<string, PipelineStats['histograms'][number][]>()
  for (const sample of samples) groups.set(sample.name, [...(groups.get(sample.name) ?? []), sample])
  return groups
}
