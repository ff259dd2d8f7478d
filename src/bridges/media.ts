import type { Attachment, Body } from './model/message.ts'

/** What a platform answers for one of its files. */
export interface RemoteContent {
  /** Bytes, when the platform says it. */
  readonly size?: number
  readonly mime?: string
  readonly bytes: AsyncIterable<Uint8Array>
}

/**
 * Implemented by bridges whose messages hold files. Rejects K2Error: `MEDIA_GONE` when the platform has it no longer,
 * `MEDIA_TOO_LARGE` when it does not hand out files of this size, `MEDIA_UNAVAILABLE` (retry later) otherwise. Never names
 * the address it reads from, which may hold a secret.
 */
export interface MediaSource {
  openAttachment(attachment: Attachment, signal: AbortSignal): Promise<RemoteContent>
}

/** A file on our disk; it stays there until `release`. */
export interface MediaFile {
  /** Hex; the file's name in the store. */
  readonly sha256: string
  readonly size: number
  /** Found out from the content; `application/octet-stream` when unknown. */
  readonly mime: string
  /** Usual extension of that type, without a dot. */
  readonly extension: string | undefined
  /** Reads it from the disk, from `start` to `end` (both included, default all). */
  stream(range?: { readonly start: number; readonly end: number }): AsyncIterable<Uint8Array>
  /** Backed by the file: its bytes are read when they are sent. */
  blob(): Promise<Blob>
  release(): void
}

/** Files of messages for whoever sends them on (bridging 9). */
export interface MediaPort {
  /**
   * The file, downloaded at most once however many ask. A caller that gives up does not end the download for the others.
   * Rejects with the codes of `MediaSource`.
   */
  fetch(attachment: Attachment, signal: AbortSignal): Promise<MediaFile>
  /** An address where people get the file until `until` (ms), when the gateway serves files; the same for the same arguments. */
  link(file: MediaFile, name: string, until: number): Promise<string | undefined>
}

/** Takes files that exist nowhere else. */
export interface MediaKeeper {
  /** Largest file, bytes. */
  readonly maxBytes: number
  /** Keeps a file as long as messages are kept. Rejects `MEDIA_TOO_LARGE`, `MEDIA_FULL`, `MEDIA_UNAVAILABLE` (cut short). */
  keep(bytes: AsyncIterable<Uint8Array>, size?: number): Promise<MediaFile>
}

/** All files of a message in the order people see them. Their places here are the file numbers of `NativePart.carries`. */
export function bodyFiles(body: Body | undefined): readonly Attachment[] {
  if (body === undefined) return []
  const sticker = body.sticker?.attachment
  return sticker === undefined ? body.attachments : [...body.attachments, sticker]
}
