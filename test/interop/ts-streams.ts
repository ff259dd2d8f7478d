// K2's protocols of one value per connection: invitations to folders and direct messages.
import { z } from 'zod'
import { utf8 } from '../../src/base/bytes.ts'
import { errorCode, errorMessage } from '../../src/base/errors.ts'
import { DIRECT_ALPN, sendDirect, serveDirect } from '../../src/core/k2/direct-stream.ts'
import { INVITE_ALPN, type InviteStatus, queryInvitation, sendInvitation, serveInvite } from '../../src/core/k2/sync-invite.ts'
import { parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import type { K2Endpoint } from '../../src/core/net/index.ts'
import type { Connection } from '../../src/core/net/transport.ts'

const CONNECT_MS = 10_000

const peer = z.strictObject({ id: z.string().transform(parseEndpointId), addrs: z.array(z.string()).default([]) })
const Send = z.strictObject({ peer, folder_id: z.string(), folder_name: z.string(), ticket: z.string() })
const Query = z.strictObject({ peer, folder_id: z.string() })
const Ping = z.strictObject({ peer })
const SetStatus = z.strictObject({ folder_id: z.string(), status: z.enum(['accepted', 'pending', 'left', 'unknown']) })
const Direct = z.strictObject({ peer, payload: z.string(), hasty: z.boolean().default(false) })

/** What the reference makes of an answer: everything it does not know is a refusal. */
const MEANING: Readonly<Record<InviteStatus, string>> = {
  accepted: 'accepted',
  pending: 'pending',
  left: 'left',
  unknown: 'rejected',
}

/** Answers and asks on one endpoint. */
export class LabStreams {
  readonly #endpoint: K2Endpoint
  readonly #folders = new Map<string, InviteStatus>()

  constructor(endpoint: K2Endpoint, print: (line: object) => void) {
    this.#endpoint = endpoint
    endpoint.handle(INVITE_ALPN, async (connection) => {
      const handler = {
        invited: async (from: string, i: { folderId: string; folderName: string; ticket: string }) => {
          this.#folders.set(i.folderId, 'pending')
          print({ event: 'invite.received', from, folder_id: i.folderId, folder_name: i.folderName, ticket: i.ticket })
          return true
        },
        asked: async (from: string, folderId: string) => {
          const answer = this.#folders.get(folderId) ?? 'unknown'
          print({ event: 'invite.queried', from, folder_id: folderId, answer })
          return answer
        },
      }
      await serveInvite(connection, handler).catch((error: unknown) =>
        print({ event: 'invite.failed', code: errorCode(error), message: errorMessage(error) }),
      )
    })
    endpoint.handle(DIRECT_ALPN, async (connection) => {
      const take = async (m: { from: string; content: string; senderName: string | undefined }): Promise<void> =>
        print({ event: 'dm.received', from: m.from, content: m.content, sender_name: m.senderName ?? 'Unknown' })
      await serveDirect(connection, take).catch((error: unknown) => print({ event: 'dm.failed', message: errorMessage(error) }))
    })
  }

  async #connect({ id, addrs }: z.infer<typeof peer>, alpn: string): Promise<Connection> {
    this.#endpoint.learn({ id, direct: addrs }, 'config')
    return this.#endpoint.dial(id, alpn, { deadlineMs: CONNECT_MS })
  }

  readonly commands: Readonly<Record<string, (args: unknown) => Promise<object>>> = {
    'invite.send': async (args) => {
      const { peer: to, folder_id, folder_name, ticket } = Send.parse(args)
      const invitation = { kind: 'invitation' as const, folderId: folder_id, folderName: folder_name, ticket }
      return { stored: await sendInvitation(await this.#connect(to, INVITE_ALPN), invitation) }
    },
    'invite.query': async (args) => {
      const { peer: to, folder_id } = Query.parse(args)
      const status = await queryInvitation(await this.#connect(to, INVITE_ALPN), folder_id)
      return { meaning: status === undefined ? 'rejected' : MEANING[status] }
    },
    'invite.ping': async (args) => {
      const connection = await this.#connect(Ping.parse(args).peer, INVITE_ALPN)
      connection.close(0n, '')
      return {}
    },
    'invite.set': async (args) => {
      const { folder_id, status } = SetStatus.parse(args)
      this.#folders.set(folder_id, status)
      return {}
    },
    'dm.send': async (args) => {
      const { peer: to, payload } = Direct.parse(args)
      const outcome = await sendDirect(await this.#connect(to, DIRECT_ALPN), utf8(payload))
      return { receipt: outcome === 'delivered' ? 1 : null }
    },
  }
}
