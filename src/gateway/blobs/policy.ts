import type { Place } from '../../bridges/model/place.ts'
import type { ProviderLimits } from '../../core/blobs/index.ts'
import type { BlobsConfig } from '../config/blobs.ts'
import type { RouteDefinition } from '../pipeline/index.ts'
import { fileTooLarge, typeRefused } from './errors.ts'
import type { FilePolicy } from './model.ts'

const matches = (pattern: string, mime: string): boolean =>
  pattern.endsWith('/*') ? mime.startsWith(pattern.slice(0, -1)) : pattern === mime

/** Throws `BLOB_TOO_LARGE`. */
export function checkSize(policy: FilePolicy, size: number): void {
  if (size > policy.maxBytes) throw fileTooLarge(policy.maxBytes)
}

/** `mime` as found in the content. Throws `BLOB_TYPE_REFUSED`. */
export function checkType(policy: FilePolicy, mime: string): void {
  const blocked = policy.blockedTypes?.some((pattern) => matches(pattern, mime)) ?? false
  const allowed = policy.types?.some((pattern) => matches(pattern, mime)) ?? true
  if (blocked || !allowed) throw typeRefused(mime)
}

/** Requests a peer may save up, in seconds of its rate. */
const BURST_SECONDS = 4

/** What other peers may take, as the configuration says it. */
export function providerLimits({ provider }: Pick<BlobsConfig, 'provider'>): Partial<ProviderLimits> {
  return {
    ratePerPeer: provider.requestsPerSecond,
    burstPerPeer: BURST_SECONDS * provider.requestsPerSecond,
    perPeer: provider.requestsAtOnce,
    total: provider.totalAtOnce,
    bytesPerSecond: provider.bytesPerSecond,
    totalBytesPerSecond: provider.totalBytesPerSecond,
    junkPerSecond: provider.junk.perSecond,
    junkBurst: provider.junk.burst,
    junkPerSecondOfAddress: provider.junk.perSecondOfAddress,
    junkBurstOfAddress: provider.junk.burstOfAddress,
    banMs: provider.junk.ban,
  }
}

/** What holds where no route says more. */
export function basePolicy(config: BlobsConfig): FilePolicy {
  return {
    maxBytes: config.maxSize,
    ...(config.types && { types: config.types }),
    ...(config.blockedTypes && { blockedTypes: config.blockedTypes }),
  }
}

/** The strictest of what all routes of a place say; the base where none names it. */
export function policyFor(place: Place | undefined, routes: readonly RouteDefinition[], config: BlobsConfig): FilePolicy {
  const base = basePolicy(config)
  if (place === undefined) return base
  const own = routes.filter(({ members }) =>
    members.some(({ place: p }) => p.network === place.network && p.account === place.account && p.channel === place.channel),
  )
  const files = own.flatMap((route) => route.files ?? [])
  const types = [base, ...files].flatMap((f) => (f.types ? [[...f.types]] : []))
  const blocked = [...(base.blockedTypes ?? []), ...files.flatMap((f) => f.blockedTypes ?? [])]
  return {
    maxBytes: Math.min(base.maxBytes, ...files.flatMap((f) => f.maxSize ?? [])),
    ...(types.length > 0 && { types: types.reduce((a, b) => narrowed(a, b)) }),
    ...(blocked.length > 0 && { blockedTypes: blocked }),
  }
}

/** Patterns that both lists let through. */
function narrowed(a: readonly string[], b: readonly string[]): string[] {
  const within = (x: string, list: readonly string[]): boolean => list.some((y) => x === y || matches(y, x))
  return [...new Set([...a.filter((x) => within(x, b)), ...b.filter((x) => within(x, a))])]
}
