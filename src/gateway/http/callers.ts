import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Context, MiddlewareHandler } from 'hono'
import { K2Error } from '../../base/errors.ts'
import type { Secret } from '../../base/secret.ts'
import type { ProxyConfig } from '../config/http.ts'
import type { AddressLimits } from './address-limits.ts'
import { sameSecret } from './auth.ts'

/** What a page sends along to change anything as the person the proxy knows: no form and no foreign page can. */
export const INTENT_HEADER = 'x-k2gw-request'
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export interface CallerOptions {
  readonly token: Secret
  readonly proxy: ProxyConfig | undefined
  readonly limits: AddressLimits | undefined
  /** ms. */
  readonly now: () => number
}

/** Who is at the other end: the address, and the administrator a trusted proxy names. */
export class Callers {
  readonly #options: CallerOptions
  readonly #trusted: ReadonlySet<string>

  constructor(options: CallerOptions) {
    this.#options = options
    this.#trusted = new Set(options.proxy?.addresses.map(plain))
  }

  /** Refuses an address that asks for too much (`HTTP_TOO_MANY`); never whoever has the token. */
  readonly limited: MiddlewareHandler = async (c, next) => {
    const given = tokenOf(c)
    const isOperator = given !== undefined && sameSecret(given, this.#options.token)
    const wait = isOperator ? 0 : (this.#options.limits?.request(this.addressOf(c), this.#options.now()) ?? 0)
    if (wait > 0) throw tooMany(c, wait, 'too many requests')
    await next()
  }

  /** Lets administrators through: by the token, or by the name a trusted proxy gives. */
  readonly admins: MiddlewareHandler = async (c, next) => {
    const { token, limits, now } = this.#options
    const given = tokenOf(c)
    const isRight = given !== undefined && sameSecret(given, token)
    if (!isRight && !(given === undefined && this.#isKnownAdmin(c))) {
      const wait = given === undefined ? 0 : (limits?.badToken(this.addressOf(c), now()) ?? 0)
      if (wait > 0) throw tooMany(c, wait, 'too many wrong tokens')
      throw new K2Error({ code: 'HTTP_UNAUTHORIZED', kind: 'denied', message: 'this needs the admin token as a bearer token' })
    }
    if (!isRight) this.#refuseForged(c)
    await next()
  }

  /** Address of the person: of the socket, or what a trusted proxy adds last to `X-Forwarded-For`. */
  addressOf(c: Context): string {
    const socket = socketOf(c)
    if (!this.#trusted.has(plain(socket))) return socket
    const last = c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() ?? ''
    return isIP(last) === 0 ? socket : last
  }

  #isKnownAdmin(c: Context): boolean {
    const { proxy } = this.#options
    if (proxy === undefined || !this.#trusted.has(plain(socketOf(c)))) return false
    const user = c.req.header(proxy.userHeader)
    return user !== undefined && proxy.admins.includes(user)
  }

  /**
   * A browser sends what the proxy knows it by along with requests of any page: so what changes something must come from our
   * own page (`Origin`) and carry a header that only scripts of it can set.
   */
  #refuseForged(c: Context): void {
    if (SAFE.has(c.req.method)) return
    const own = new URL(this.#options.proxy?.publicUrl as string).origin
    const origin = c.req.header('origin')
    if (c.req.header(INTENT_HEADER) !== undefined && (origin === undefined || origin === own)) return
    throw new K2Error({
      code: 'HTTP_FORGED',
      kind: 'denied',
      message: `this needs the header ${INTENT_HEADER} and the page’s own origin`,
    })
  }
}

const tokenOf = (c: Context): string | undefined => /^Bearer (.+)$/.exec(c.req.header('authorization') ?? '')?.[1]

/** IPv4 in IPv6 clothes is IPv4. */
const plain = (address: string): string => address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '')

function socketOf(c: Context): string {
  const { incoming } = (c.env ?? {}) as { readonly incoming?: IncomingMessage }
  return incoming?.socket.remoteAddress ?? ''
}

function tooMany(c: Context, waitMs: number, what: string): K2Error {
  const seconds = Math.ceil(waitMs / 1000)
  c.header('Retry-After', String(seconds))
  return new K2Error({ code: 'HTTP_TOO_MANY', kind: 'limit', message: `${what}: wait ${seconds} s`, retry: { afterMs: waitMs } })
}
