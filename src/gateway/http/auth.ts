import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../base/secret.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares in constant time, whatever the lengths. */
export function sameSecret(given: string, wanted: Secret): boolean {
  return timingSafeEqual(digest(given), digest(wanted.reveal()))
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]', '::1'])

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.has(host)
}

/**
 * Refuses requests whose Host header is not one of ours while the server listens on loopback only: otherwise any web page
 * could reach it by pointing a name of its own at 127.0.0.1 (DNS rebinding). `publicUrl` is where a proxy offers it.
 */
export function hostAllowed(header: string | undefined, boundTo: string, publicUrl?: string): boolean {
  if (!isLoopbackHost(boundTo)) return true
  if (publicUrl !== undefined && header?.toLowerCase() === new URL(publicUrl).host) return true
  const host = (header ?? '').replace(/:\d+$/, '')
  return isLoopbackHost(host)
}

/** A browser's Origin must be the page's own host; programs without an Origin are not browsers. */
export function originAllowed(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true
  try {
    return new URL(origin).host === host
  } catch {
    // Not a URL ("null" of sandboxed frames): a foreign page.
    return false
  }
}
