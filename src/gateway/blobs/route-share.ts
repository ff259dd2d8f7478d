import { isK2Error } from '../../base/errors.ts'
import type { MediaPort } from '../../bridges/media.ts'
import type { Attachment } from '../../bridges/model/message.ts'
import { type Place, samePlace } from '../../bridges/model/place.ts'
import type { ShareFile } from '../../bridges/p2p/index.ts'
import type { BlobsConfig } from '../config/blobs.ts'
import type { RouteDefinition } from '../pipeline/index.ts'
import { type FileLedger, uuidOf } from './file-ledger.ts'
import { checkSize, checkType, policyFor } from './policy.ts'
import type { BlobService } from './service.ts'

export interface RouteShareParts {
  readonly routes: () => readonly RouteDefinition[]
  readonly blobs: BlobsConfig
  readonly files: FileLedger
  readonly service: Pick<BlobService, 'upload'>
  readonly media: () => Pick<MediaPort, 'fetch'>
  /** Id of this gateway's node. */
  readonly gateway: string
}

/** Stands for the content behind an attachment on its platform. */
function sourceKey({ id, source }: Attachment): string {
  if (source.kind === 'telegram-file') return `telegram/${source.fileUniqueId}`
  if (source.kind === 'media') return `media/${source.sha256}`
  return source.kind === 'blob' ? `blob/${source.hash}` : `discord/${id}`
}

const asksForTickets = (route: RouteDefinition, place: Place): boolean =>
  route.files?.share === 'ticket' && route.members.some((member) => samePlace(member.place, place))

/**
 * Makes blobs with tickets of attachments on their way to K2 where a route says `files.share: ticket`. What the policy of the
 * place refuses, and what comes from peers whose name nobody has proven, is only named.
 */
export function routeShare({ routes, blobs, files, service, media, gateway }: RouteShareParts): ShareFile {
  return async (file, { place, author }, signal) => {
    if (!routes().some((route) => asksForTickets(route, place))) return undefined
    if (author.senderClass === 'claimed') return undefined
    const id = uuidOf(['route share', gateway, sourceKey(file)])
    const known = await files.get(id)
    if (known !== undefined) return known.share
    const policy = policyFor(place, routes(), blobs)
    try {
      checkSize(policy, file.size ?? 0)
      const content = await media().fetch(file, signal)
      try {
        checkSize(policy, content.size)
        checkType(policy, content.mime)
        const owner = author.key
        const info = { id, name: file.name, owner, origin: 'attachment' as const, maxBytes: policy.maxBytes }
        return (await service.upload(content.stream(), info)).share
      } finally {
        content.release()
      }
    } catch (error) {
      // Refused by policy: the text goes without it.
      if (isK2Error(error) && (error.code === 'BLOB_TOO_LARGE' || error.code === 'BLOB_TYPE_REFUSED')) return undefined
      throw error
    }
  }
}
