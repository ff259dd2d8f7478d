import type { IncomingMessage, ServerResponse } from 'node:http'
import { sleep } from '../../../src/base/async.ts'
import type { FaultEffect } from '../faults.ts'
import { parseMultipart } from '../multipart.ts'
import { ApiError } from './errors.ts'
import { Params } from './params.ts'

const MAX_BODY_BYTES = 110 * 1024 * 1024

export function readBody(req: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    req.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= MAX_BODY_BYTES) chunks.push(chunk)
      else reject(new ApiError(413, 'Request Entity Too Large'))
    })
    req.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    req.on('error', reject)
    req.once('close', () => reject(new Error('the client went away')))
  })
}

/** Parameters from query, urlencoded, JSON and multipart bodies. Files in multipart appear as `File`. */
export async function readParams(req: IncomingMessage, query: URLSearchParams): Promise<Params> {
  const values: Record<string, unknown> = Object.fromEntries(query)
  const body = await readBody(req)
  const type = req.headers['content-type'] ?? ''
  if (body.length === 0) return new Params(values)
  if (type.startsWith('application/json')) {
    try {
      const parsed: unknown = JSON.parse(body.toString('utf8'))
      if (typeof parsed === 'object' && parsed !== null) Object.assign(values, parsed)
    } catch {
      throw new ApiError(400, "Bad Request: can't parse JSON object")
    }
  } else if (type.startsWith('application/x-www-form-urlencoded')) {
    Object.assign(values, Object.fromEntries(new URLSearchParams(body.toString('utf8'))))
  } else if (type.startsWith('multipart/form-data')) {
    const parts = parseMultipart(type, body)
    if (parts === undefined) throw new ApiError(400, "Bad Request: can't parse multipart body")
    for (const { name, filename, bytes } of parts) {
      values[name] = filename === undefined ? Buffer.from(bytes).toString('utf8') : new File([new Uint8Array(bytes)], filename)
    }
  }
  return new Params(values)
}

/** Answers as the fault plan wants: late, partly, broken or not at all. */
export async function answer(res: ServerResponse, status: number, body: object, effects: readonly FaultEffect[]): Promise<void> {
  let text = JSON.stringify(body)
  for (const effect of effects) {
    if (effect.kind === 'delay-after') await sleep(effect.ms)
    else if (effect.kind === 'response-lost') return reset(res)
    else if (effect.kind === 'corrupt-json') text = `${text.slice(0, Math.max(1, text.length >> 1))}\u0000<<`
    else if (effect.kind === 'half-response') return half(res, status, text)
    else if (effect.kind === 'slow-drip') return drip(res, status, text, effect.bytesPerSecond)
  }
  if (res.destroyed || res.socket?.destroyed) return
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  res.end(text)
}

export function reset(res: ServerResponse): void {
  res.socket?.resetAndDestroy()
}

async function half(res: ServerResponse, status: number, text: string): Promise<void> {
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  await new Promise<void>((done) => res.write(text.slice(0, text.length >> 1), () => done()))
  res.socket?.destroy()
}

async function drip(res: ServerResponse, status: number, text: string, bytesPerSecond: number): Promise<void> {
  const bytes = Buffer.from(text)
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length })
  const step = Math.max(1, Math.floor(bytesPerSecond / 20))
  for (let at = 0; at < bytes.length && !res.destroyed; at += step) {
    res.write(bytes.subarray(at, at + step))
    await sleep(50)
  }
  res.end()
}
