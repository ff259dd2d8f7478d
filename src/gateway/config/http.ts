import { z } from 'zod'
import { secret } from './secrets.ts'

const ADDRESS = z.union([z.ipv4(), z.ipv6()])
const HEADER = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'a header name')

/** A proxy that has asked people who they are, such as oauth2-proxy. */
export const proxySchema = z.strictObject({
  addresses: z.array(ADDRESS).min(1).max(32).describe('of the proxy: its headers are believed from there and nowhere else'),
  publicUrl: z.url({ protocol: /^https?$/ }).describe('where people open the pages: other origins may change nothing'),
  userHeader: HEADER.default('x-forwarded-user').describe('in which the proxy names the person; it must remove it from requests'),
  admins: z.array(z.string().min(1).max(200)).max(1000).default([]).describe('names in that header that may administrate'),
})
export type ProxyConfig = z.output<typeof proxySchema>

export const httpLimitsSchema = z
  .strictObject({
    perSecond: z.number().min(0.1).max(100_000).default(50).describe('requests of one address on average'),
    burst: z.int().min(1).max(1_000_000).default(500).describe('requests of one address at once'),
    badTokens: z.int().min(1).max(10_000).default(20).describe('wrong tokens of one address a minute'),
    addresses: z.int().min(10).max(1_000_000).default(10_000).describe('addresses remembered'),
  })
  .prefault({})
export type HttpLimits = z.output<typeof httpLimitsSchema>

/** Pages, control API, metrics, downloads. */
export const httpSchema = z
  .strictObject({
    host: z.string().default('127.0.0.1'),
    port: z.int().min(0).max(65535).default(8787).describe('0: any free port'),
    adminToken: secret().optional().describe('for the control API; default: a random one in the data directory'),
    maxSessions: z.int().min(1).max(10_000).default(200).describe('web chat connections at once'),
    proxy: proxySchema.optional().describe('a reverse proxy in front; default: nobody’s headers are believed'),
    limits: httpLimitsSchema,
  })
  .prefault({})
