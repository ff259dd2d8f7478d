import type { PipelineLimits } from '../pipeline/index.ts'
import type { Config } from './schema.ts'

/** Limits of the pipeline that the configuration sets. */
export function pipelineLimitsOf({ limits }: Pick<Config, 'limits'>): Partial<PipelineLimits> {
  const { deliveries, retention, authorRate } = limits
  return { deliveries, retentionMs: retention, authorRate: authorRate === 'off' ? undefined : authorRate }
}
