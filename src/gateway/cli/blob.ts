import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { sleep } from '../../base/async.ts'
import { errorCode, K2Error } from '../../base/errors.ts'
import { type BlobFormat, encodeBlobTicket, joinShare } from '../../core/blobs/index.ts'
import { toPeerAddr } from '../../core/index.ts'
import { makeCollection, readCollection } from '../blobs/collections.ts'
import { humanSize } from '../blobs/errors.ts'
import type { BlobJob } from '../blobs/model.ts'
import type { ResultFile } from '../blobs/service.ts'
import { nameFor, readShare } from '../blobs/share-text.ts'
import { withBlobNode } from './blob-node.ts'
import { ControlClient } from './client.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print, usageError } from './context.ts'
import { readControlFile } from './control-file.ts'
import { Progress } from './progress.ts'
import { runningGateway } from './queue.ts'
import { freePath, saveStream } from './save-file.ts'

const POLL_MS = 300

interface Shared {
  readonly name: string
  readonly hash: string
  readonly size: number
  readonly share: string
}

/** `k2gw blob share <file...>`: several files become one collection. Without a running gateway it serves until stopped. */
export async function blobShare(
  context: CliContext,
  options: GlobalOptions,
  paths: readonly string[],
  name: string | undefined,
): Promise<number> {
  const { config } = loadFor(context, options)
  const files = await Promise.all(paths.map((path) => regularFile(resolve(context.cwd, path))))
  const running = await readControlFile(config.dataDir)
  const client = running && new ControlClient(running)
  const show = (shared: Shared): void => print(context, options, { event: 'shared', ...shared }, () => shared.share)
  if (client) {
    const stored: (Shared & { id: string })[] = []
    for (const file of files) stored.push(await upload(context, options, client, file, files.length === 1 ? name : undefined))
    if (stored.length === 1) show(stored[0] as Shared)
    else {
      const ids = stored.map((file) => file.id)
      show((await client.call('POST', '/api/v1/blobs/collections', { name: name ?? 'files', files: ids })) as Shared)
    }
    return EXIT.ok
  }
  return withBlobNode(config, async ({ node, store }) => {
    const blobs: { name: string; hash: Shared['hash'] & Parameters<typeof store.status>[0]; size: number }[] = []
    for (const file of files) {
      const progress = new Progress(context, options, file.name)
      const imported = await store.importFile(file.path, {
        signal: context.signal,
        onProgress: (done, total) => progress.update(done, total),
      })
      progress.end()
      blobs.push({ name: files.length === 1 ? (name ?? file.name) : file.name, hash: imported.hash, size: imported.size })
    }
    const [first] = blobs
    if (first === undefined) throw usageError('name at least one file')
    const one = blobs.length === 1
    const hash = one ? first.hash : await makeCollection(store, blobs, `shared/${Date.now()}`)
    const format: BlobFormat = one ? 'raw' : 'hash-seq'
    const shown = one ? first.name : (name ?? 'files')
    const size = blobs.reduce((sum, blob) => sum + blob.size, 0)
    show({ name: shown, hash, size, share: joinShare(shown, encodeBlobTicket({ addr: node.addr(), hash, format })) })
    context.err.write('No gateway is running: serving until stopped with Ctrl+C.\n')
    if (!context.signal.aborted) await once(context.signal, 'abort')
    return EXIT.ok
  })
}

async function regularFile(path: string): Promise<{ path: string; name: string; size: number }> {
  try {
    const found = await stat(path)
    if (found.isFile()) return { path, name: basename(path), size: found.size }
  } catch (error) {
    throw usageError(`cannot read ${path} (${errorCode(error)})`)
  }
  throw usageError(`${path} is not a file`)
}

async function upload(
  context: CliContext,
  options: GlobalOptions,
  client: ControlClient,
  file: { path: string; name: string; size: number },
  name: string | undefined,
): Promise<Shared & { id: string }> {
  const progress = new Progress(context, options, file.name)
  const body = Readable.toWeb(
    Readable.from(counted(createReadStream(file.path), (done) => progress.update(done, file.size))),
  ) as ReadableStream
  const init = { method: 'POST', body, duplex: 'half', signal: context.signal } as RequestInit
  const response = await client.request(`/api/v1/blobs?name=${encodeURIComponent(name ?? file.name)}`, init)
  progress.end()
  return (await response.json()) as Shared & { id: string }
}

async function* counted(source: AsyncIterable<Uint8Array>, onBytes: (done: number) => void): AsyncGenerator<Uint8Array> {
  let done = 0
  for await (const piece of source) {
    yield piece
    done += piece.length
    onBytes(done)
  }
}

/** `k2gw blob get <ticket>`: through the running gateway as a job, or directly when none runs. Never overwrites. */
export async function blobGet(
  context: CliContext,
  options: GlobalOptions,
  ticket: string,
  { output = '.', name, priority }: { output?: string; name?: string; priority?: string },
): Promise<number> {
  const { config } = loadFor(context, options)
  const share = readShare(ticket)
  const folder = resolve(context.cwd, output)
  await mkdir(folder, { recursive: true })
  const running = await readControlFile(config.dataDir)
  const saved = running
    ? await getThrough(context, options, new ControlClient(running), { ticket, name, priority, folder })
    : await withBlobNode(config, async ({ store, download }) => {
        const label = nameFor(name ?? share.name, share.ticket.hash)
        const progress = new Progress(context, options, label)
        const { hash, format, addr } = share.ticket
        const protection = store.protect()
        protection.add(hash, format)
        try {
          await download({
            hash,
            format,
            providers: [toPeerAddr(addr)],
            limits: { maxBytes: config.blobs.maxSize },
            signal: context.signal,
            onProgress: ({ present, total }) => progress.update(present, total),
          })
          progress.end()
          const parts = format === 'raw' ? [{ name: label, hash }] : await readCollection(store, hash)
          const paths: string[] = []
          for (const part of parts) {
            const path = await freePath(folder, part.name)
            await store.export(part.hash, path, { overwrite: true, signal: context.signal })
            paths.push(path)
          }
          return paths
        } finally {
          protection.release()
        }
      })
  for (const path of saved) print(context, options, { event: 'saved', path }, () => path)
  return EXIT.ok
}

interface Wanted {
  readonly ticket: string
  readonly name: string | undefined
  readonly priority: string | undefined
  readonly folder: string
}

async function getThrough(
  context: CliContext,
  options: GlobalOptions,
  client: ControlClient,
  { ticket, name, priority, folder }: Wanted,
): Promise<string[]> {
  const asked = { ticket, ...(name !== undefined && { name }), ...(priority !== undefined && { priority }) }
  const queued = (await client.call('POST', '/api/v1/jobs/blob-fetch', asked)) as BlobJob
  const progress = new Progress(context, options, queued.name)
  let job: BlobJob & { files?: readonly ResultFile[] } = queued
  try {
    while (job.state !== 'done' && job.state !== 'failed' && job.state !== 'cancelled') {
      await sleep(POLL_MS, context.signal)
      job = (await client.call('GET', `/api/v1/jobs/${job.id}`)) as typeof job
      progress.update(job.bytes, job.size)
    }
  } catch (error) {
    // Whoever stops the command does not want the file any more.
    if (context.signal.aborted) await client.call('DELETE', `/api/v1/jobs/${job.id}`).catch(() => {})
    throw error
  } finally {
    progress.end()
  }
  if (job.state !== 'done') {
    const { code = 'BLOB_JOB_FAILED', message = job.state } = job.error ?? {}
    throw new K2Error({ code, kind: 'platform', message })
  }
  const paths: string[] = []
  for (const file of job.files ?? []) {
    if (file.url === undefined) continue
    const path = await freePath(folder, file.name)
    // The address people use may be a proxy elsewhere; the same path works here.
    const response = await client.request(new URL(file.url).pathname, { signal: context.signal })
    const saving = new Progress(context, options, file.name)
    try {
      await saveStream(path, response.body as unknown as AsyncIterable<Uint8Array>, (done) => saving.update(done, file.size))
    } catch (error) {
      await rm(path, { force: true })
      throw error
    } finally {
      saving.end()
    }
    paths.push(path)
  }
  return paths
}

export async function blobList(context: CliContext, options: GlobalOptions, limit: string): Promise<number> {
  const client = await runningGateway(context, options)
  const files = (await client.call('GET', `/api/v1/blobs?limit=${encodeURIComponent(limit)}`)) as ResultFile[]
  if (files.length === 0 && !options.json) context.out.write('no files\n')
  for (const file of files) {
    print(
      context,
      options,
      file,
      () => `${file.id}  ${file.hash.slice(0, 10)}  ${humanSize(file.size).padStart(9)}  ${file.origin}  ${file.name}`,
    )
  }
  return EXIT.ok
}

export async function blobRemove(context: CliContext, options: GlobalOptions, ids: readonly string[]): Promise<number> {
  const client = await runningGateway(context, options)
  for (const id of ids) {
    await client.call('DELETE', `/api/v1/blobs/${encodeURIComponent(id)}`)
    print(context, options, { removed: id }, () => `removed ${id}`)
  }
  return EXIT.ok
}

export async function blobGc(context: CliContext, options: GlobalOptions): Promise<number> {
  const client = await runningGateway(context, options)
  const result = (await client.call('POST', '/api/v1/blobs/gc')) as { kept: number; removed: number; freedBytes: number }
  const { removed, kept, freedBytes } = result
  print(context, options, result, () => `${removed} blobs removed (${humanSize(freedBytes)}), ${kept} kept`)
  return EXIT.ok
}
