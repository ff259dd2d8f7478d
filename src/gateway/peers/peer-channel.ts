import { isK2Error, K2Error } from '../../base/errors.ts'
import { directChannel } from '../../bridges/p2p/index.ts'
import { type Contact, type PeerId, parseEndpointId } from '../../core/index.ts'

const DIRECT = 'dm:'

/**
 * The channel of a p2p place as events carry it: `dm:` with a contact's name or any form of a node id becomes `dm:` and the id;
 * topics stay as they are, byte for byte. Throws `CONFIG_PLACE`.
 */
export function peerChannel(channel: string, contacts: readonly Contact[]): string {
  if (!channel.startsWith(DIRECT)) return channel
  const text = channel.slice(DIRECT.length)
  const named = contacts.filter((contact) => contact.name?.toLowerCase() === text.toLowerCase())
  if (named.length > 1) throw placeError(`several contacts are called "${text}": use the node id`)
  if (named[0] !== undefined) return directChannel(named[0].addr.id)
  try {
    return directChannel(parseEndpointId(text))
  } catch (error) {
    if (!isK2Error(error)) throw error
    // The contact book is not open yet when the configuration is read.
    const hint = 'somebody in the contact book goes by their id here, which "contact list" shows'
    throw placeError(`"${text.slice(0, 64)}" is neither a contact of the configuration nor a node id; ${hint}`)
  }
}

/** The node a person means by a contact's name or any form of a node id. Throws `CONTACT_UNKNOWN`. */
export function namedPeer(text: string, contacts: readonly Contact[]): PeerId {
  try {
    return peerChannel(`${DIRECT}${text.trim()}`, contacts).slice(DIRECT.length) as PeerId
  } catch (cause) {
    const message = `"${text.slice(0, 64)}" is neither a contact nor a node id: contact list shows the contacts`
    throw new K2Error({ code: 'CONTACT_UNKNOWN', kind: 'input', message, cause })
  }
}

const placeError = (message: string): K2Error => new K2Error({ code: 'CONFIG_PLACE', kind: 'config', message })
