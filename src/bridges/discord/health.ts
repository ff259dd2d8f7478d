import type { Health } from '../../base/lifecycle.ts'
import { BAD_TOKEN, type GatewayState } from './gateway.ts'

export interface HealthFacts {
  readonly state: GatewayState
  /** The REST API answered 401. */
  readonly tokenRefused: boolean
  readonly lacksContent: boolean
  readonly storeFailure: string | undefined
  /** Refused requests of the last ten minutes. */
  readonly invalidRequests: number
  readonly withoutWebhook: readonly (readonly [channel: string, reason: string])[]
  readonly unreadable: readonly (readonly [channel: string, reason: string])[]
  readonly channelName: (id: string) => string
}

/** Half of what gets the address banned (bridging 4.1, 16). */
const MANY_INVALID = 5_000

/** What is wrong with the account, worst first, each with what to do about it. */
export function discordHealth(facts: HealthFacts): Health {
  const { state } = facts
  if (state.kind === 'failed') return { status: 'failed', reason: state.reason }
  if (facts.tokenRefused) return { status: 'failed', reason: BAD_TOKEN }
  const reasons: string[] = []
  if (state.kind === 'connecting')
    reasons.push(state.reason === undefined ? 'connecting to Discord' : `cannot reach Discord: ${state.reason}`)
  if (state.kind === 'reconnecting') reasons.push('reconnecting to Discord')
  if (state.kind === 'stopped') reasons.push('stopped')
  if (facts.lacksContent)
    reasons.push('message content intent missing: switch it on in the developer portal under Bot, Privileged Gateway Intents')
  if (facts.storeFailure !== undefined) reasons.push(`incoming messages cannot be stored: ${facts.storeFailure}`)
  if (facts.invalidRequests >= MANY_INVALID)
    reasons.push(`${facts.invalidRequests} refused requests in ten minutes: check the permissions`)
  const named = (list: HealthFacts['unreadable']): string =>
    list.map(([channel, why]) => `#${facts.channelName(channel)} (${why})`).join(', ')
  if (facts.unreadable.length > 0) reasons.push(`the past of ${named(facts.unreadable)} cannot be read`)
  if (facts.withoutWebhook.length > 0) reasons.push(`no webhook in ${named(facts.withoutWebhook)}`)
  return reasons.length === 0 ? { status: 'ok' } : { status: 'degraded', reason: reasons.join('; ') }
}
