import type { MediaFile } from '../../bridges/media.ts'
import type { LinkedFiles } from '../http/routes/files.ts'
import type { FileLedger } from './file-ledger.ts'
import type { LinkSigner } from './link-token.ts'
import type { BlobService } from './service.ts'

export interface LinkedFilesParts {
  readonly signer: LinkSigner
  readonly files: FileLedger
  readonly service: Pick<BlobService, 'read' | 'sizeOf'>
  /** A file of messages by its SHA-256, pinned until released. */
  readonly media: (sha256: string) => Promise<MediaFile | undefined>
  readonly now: () => number
}

/** What signed links lead to: blobs of the node, and files of messages. */
export function linkedFiles({ signer, files, service, media, now }: LinkedFilesParts): LinkedFiles {
  return {
    async resolve(token) {
      const id = signer.verify(token, now())
      return id === undefined ? undefined : files.link(id)
    },
    async open(target) {
      if (target.kind === 'media') {
        const file = await media(target.sha256)
        return (
          file && {
            name: target.name,
            mime: file.mime,
            size: file.size,
            etag: `"${target.sha256.slice(0, 32)}"`,
            read: (start, end) => (start < end ? file.stream({ start, end: end - 1 }) : nothing()),
            release: () => file.release(),
          }
        )
      }
      const size = await service.sizeOf(target.hash)
      if (size === undefined) return undefined
      return {
        name: target.name,
        mime: target.mime,
        size,
        etag: `"${target.hash.slice(0, 32)}"`,
        read: (start, end) => service.read(target.hash, { start, end }),
        release() {},
      }
    },
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
