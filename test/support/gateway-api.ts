import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import type { GatewayProcess } from './gateway-process.ts'

export interface PartHealth {
  readonly name: string
  readonly health: { readonly status: 'ok' | 'degraded' | 'failed'; readonly reason?: string }
}

/** What one part of a running gateway says of itself, as `status: reason`; `absent` when there is no such part. */
export async function healthOf(url: string, part: string): Promise<string> {
  const answer = await fetch(`${url}/health/ready`)
  const { parts } = (await answer.json()) as { parts: PartHealth[] }
  const health = parts.find((p) => p.name === part)?.health
  if (health === undefined) return 'absent'
  return health.reason === undefined ? health.status : `${health.status}: ${health.reason}`
}

/** One number of a running gateway's metrics page; the sum over all labels. */
export async function metricOf(gateway: GatewayProcess, name: string): Promise<number> {
  const file = await readControlFile(gateway.dataDir)
  if (file === undefined) throw new Error('the gateway is not running')
  const answer = await fetch(`${file.url}/metrics`, { headers: { authorization: `Bearer ${file.token.reveal()}` } })
  const lines = (await answer.text()).split('\n').filter((line) => line.startsWith(name) && /^[ {]/.test(line.slice(name.length)))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}
