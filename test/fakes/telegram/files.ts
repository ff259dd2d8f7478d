import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sleep } from '../../../src/base/async.ts'
import type { FaultPlan } from '../faults.ts'
import { ApiError, badRequest } from './errors.ts'
import type { FakeBot, StoredFile, World } from './world.ts'

const MEBIBYTE = 1024 * 1024
const MAX_DOWNLOAD = 20 * MEBIBYTE
const PATH_LIFE_MS = 3_600_000

/** What a `File` object of the Bot API says about a stored file. */
export function fileObject(file: StoredFile): Record<string, unknown> {
  return { file_id: file.id, file_unique_id: file.uniqueId, file_size: file.bytes.length }
}

/** Keeps a file; equal content gets the same unique id, as on the real service. */
export function storeFile(world: World, init: { name: string; bytes: Uint8Array; mime?: string | undefined }): StoredFile {
  const digest = createHash('sha256').update(init.bytes).digest('base64url')
  const file: StoredFile = {
    id: `AgAC${world.files.size}${digest.slice(0, 24)}`,
    uniqueId: `AQAD${digest.slice(0, 12)}`,
    name: init.name,
    bytes: init.bytes,
    mime: init.mime ?? 'application/octet-stream',
    downloads: 0,
    located: 0,
  }
  world.files.set(file.id, file)
  return file
}

/** `getFile`: a path that is valid for an hour, for files up to 20 MB. */
export function locate(world: World, fileId: string, now: number): Record<string, unknown> {
  const file = world.files.get(fileId)
  if (file === undefined) throw badRequest('wrong file_id or the file is temporarily unavailable')
  if (file.bytes.length > MAX_DOWNLOAD) throw badRequest('file is too big')
  file.located = now
  return { ...fileObject(file), file_path: `files/${file.id}` }
}

/** Serves `/file/bot<token>/<path>`. Faults apply with the method `download`. */
export async function serveFile(
  world: World,
  faults: FaultPlan,
  request: { token: string; path: string; now: number },
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const bot: FakeBot | undefined = world.botByToken(request.token)
  if (bot === undefined) return void res.writeHead(401).end()
  const effects = faults.empty ? [] : faults.take({ on: 'request', method: 'download', route: `/${request.path}` })
  for (const effect of effects) {
    if (effect.kind === 'delay-before') await sleep(effect.ms)
    else if (effect.kind === 'reset-before') return void req.socket.resetAndDestroy()
    else if (effect.kind === 'status') return void res.writeHead(effect.status).end()
  }
  const file = world.files.get(decodeURIComponent(request.path.replace(/^files\//, '')))
  if (file === undefined || file.located === 0 || request.now - file.located > PATH_LIFE_MS) {
    return void res
      .writeHead(404, { 'content-type': 'application/json' })
      .end(JSON.stringify(new ApiError(404, 'Not Found').body()))
  }
  file.downloads++
  res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': file.bytes.length })
  if (effects.some((e) => e.kind === 'half-response')) {
    res.write(file.bytes.subarray(0, file.bytes.length >> 1), () => req.socket.resetAndDestroy())
    return
  }
  res.end(file.bytes)
}
