import type { Failure } from './errors.ts'

/** A file to upload. Its bytes are read while they are sent. */
export interface ApiFile {
  readonly name: string
  readonly type: string
  /** Bytes. */
  readonly size: number
  open(): Promise<Blob>
}

/** One REST call. `path` is without base and version. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly path: `/${string}`
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly files?: readonly ApiFile[]
  /** Webhook URLs carry their own token: no `Authorization`, other limits. */
  readonly auth: 'bot' | 'none'
  /** False: not made while Discord refuses so much that the address may be banned (16). */
  readonly essential?: false
}

export type ApiAnswer = { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly failure: Failure }

/** The REST API as the bridge uses it: no retries, no waiting for limits, every failure a value. Never rejects. */
export interface DiscordApi {
  call(request: ApiRequest, signal: AbortSignal): Promise<ApiAnswer>
}
