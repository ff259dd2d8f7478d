import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { K2Error } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compares in constant time, whatever the lengths. */
export function sameSecret(given: string, wanted: Secret): boolean {
  return timingSafeEqual(digest(given), digest(wanted.reveal()))
}

/** Lets only requests with `Authorization: Bearer <admin token>` through. */
export function requireToken(token: Secret): MiddlewareHandler {
  return async (c, next) => {
    const given = /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1]
    if (given === undefined || !sameSecret(given, token)) {
      throw new K2Error({ code: 'HTTP_UNAUTHORIZED', kind: 'denied', message: 'this needs the admin token as a bearer token' })
    }
    await next()
  }
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]', '::1'])

export function isLoopbackHost(host: string): boolean {
  return LOOPBACK.has(host)
}

/**
 * Refuses requests whose Host header is not one of ours while the server listens on loopback only: otherwise any web page
 * could reach it by pointing a name of its own at 127.0.0.1 (DNS rebinding).
 */
export function hostAllowed(header: string | undefined, boundTo: string): boolean {
  if (!isLoopbackHost(boundTo)) return true
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
