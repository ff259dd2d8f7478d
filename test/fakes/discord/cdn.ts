import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import type { APIAttachment } from 'discord.js'
import { sleep } from '../../../src/base/async.ts'
import type { FaultPlan } from '../faults.ts'
import type { Guild, World } from './world.ts'

/** Addresses of attachments are valid this long. */
const LIFE_S = 86_400
const MEBIBYTE = 1024 * 1024
/** Largest file by boost tier, MiB (bridging 4.1). */
const TIER_LIMITS = [10, 10, 50, 100]
const MIN_REQUEST = 25 * MEBIBYTE

export function maxFile(guild: Guild | undefined): number {
  return (TIER_LIMITS[guild?.tier ?? 0] ?? 10) * MEBIBYTE
}

export function maxRequest(guild: Guild | undefined): number {
  return Math.max(MIN_REQUEST, maxFile(guild))
}

function signature(path: string, expires: string): string {
  return createHash('sha256').update(`cdn:${path}:${expires}`).digest('hex').slice(0, 32)
}

/** A signed address that expires (bridging 9). */
export function signedUrl(cdn: string, path: string, nowMs: number): string {
  const issued = Math.floor(nowMs / 1000)
  const expires = (issued + LIFE_S).toString(16)
  return `${cdn}${path}?ex=${expires}&is=${issued.toString(16)}&hm=${signature(path, expires)}&`
}

/** Attachments as answered now: whoever asks for the message gets addresses that work. */
export function fresh(attachments: readonly APIAttachment[], nowMs: number): APIAttachment[] {
  return attachments.map((a) => {
    const url = new URL(a.url)
    if (Number.parseInt(url.searchParams.get('ex') ?? '0', 16) * 1000 > nowMs) return a
    const signed = signedUrl(`${url.origin}/cdn`, decodeURIComponent(url.pathname.slice('/cdn'.length)), nowMs)
    return { ...a, url: signed, proxy_url: signed }
  })
}

/** Serves `/cdn/…`: only signed addresses, only until they expire. Faults apply to the path. */
export async function serveFile(world: World, faults: FaultPlan, path: string, response: ServerResponse): Promise<void> {
  const url = new URL(path, 'http://localhost')
  const effects = faults.empty ? [] : faults.take({ on: 'request', method: 'GET', route: url.pathname })
  for (const effect of effects) {
    if (effect.kind === 'delay-before') await sleep(effect.ms)
    else if (effect.kind === 'reset-before') return void response.socket?.resetAndDestroy()
    else if (effect.kind === 'status') return void response.writeHead(effect.status).end()
  }
  const name = decodeURIComponent(url.pathname.slice('/cdn'.length))
  const file = world.files.get(name)
  const expires = url.searchParams.get('ex') ?? '0'
  const isPublic = !name.startsWith('/attachments/')
  const isValid =
    url.searchParams.get('hm') === signature(name, expires) && Number.parseInt(expires, 16) * 1000 >= world.clock.now()
  if (file === undefined || !(isPublic || isValid)) {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('This content is no longer available.')
    return
  }
  world.downloads.set(name, (world.downloads.get(name) ?? 0) + 1)
  response.writeHead(200, { 'content-type': file.type, 'content-length': file.bytes.length })
  if (effects.some((e) => e.kind === 'half-response')) {
    response.write(file.bytes.subarray(0, file.bytes.length >> 1), () => response.socket?.resetAndDestroy())
    return
  }
  const drip = effects.find((e) => e.kind === 'slow-drip')
  if (drip?.kind !== 'slow-drip') return void response.end(file.bytes)
  const step = Math.max(1, Math.ceil(drip.bytesPerSecond / 20))
  for (let at = 0; at < file.bytes.length && !response.destroyed; at += step) {
    response.write(file.bytes.subarray(at, at + step))
    await sleep(50)
  }
  response.end()
}
