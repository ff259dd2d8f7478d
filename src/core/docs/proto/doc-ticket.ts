import { fromBase32, toBase32 } from '../../../base/bytes.ts'
import { isK2Error } from '../../../base/errors.ts'
import { type EndpointAddr, readEndpointAddr, writeEndpointAddr } from '../../keys/address.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { docsError } from '../errors.ts'
import { type Capability, readCapabilityFrom, writeCapabilityTo } from './capability.ts'

const PREFIX = 'doc'
const MAX_TICKET_LENGTH = 65_536
const MAX_NODES = 64
/** An id and an empty set of addresses. */
const MIN_NODE_BYTES = 33

/** What is needed to take part in a document: the right, and who has it (docs 10). A write ticket is a secret. */
export interface DocTicket {
  readonly capability: Capability
  /** At least one. */
  readonly nodes: readonly EndpointAddr[]
}

export function encodeDocTicket(ticket: DocTicket): string {
  if (ticket.nodes.length === 0) throw docsError('DOC_BAD_TICKET', 'input', 'a document ticket names at least one node')
  const writer = new WireWriter().variant(0)
  writeCapabilityTo(writer, ticket.capability)
  writer.seq(ticket.nodes, (node) => writeEndpointAddr(writer, node))
  return PREFIX + toBase32(writer.finish())
}

/** The part behind the prefix may be of either case. Throws `DOC_BAD_TICKET`, the reason as its cause. */
export function decodeDocTicket(text: string): DocTicket {
  if (!text.startsWith(PREFIX)) throw docsError('DOC_BAD_TICKET', 'input', `a document ticket starts with "${PREFIX}"`)
  if (text.length > MAX_TICKET_LENGTH) throw docsError('DOC_BAD_TICKET', 'input', 'this document ticket is too long')
  try {
    const reader = new WireReader(fromBase32(text.slice(PREFIX.length)))
    reader.variant(1)
    const capability = readCapabilityFrom(reader)
    const nodes = reader.seq(() => readEndpointAddr(reader), { max: MAX_NODES, minItemBytes: MIN_NODE_BYTES })
    if (nodes.length > 0) return { capability, nodes }
  } catch (error) {
    if (!isK2Error(error)) throw error
    throw docsError('DOC_BAD_TICKET', 'input', `this document ticket is damaged or incomplete: ${error.message}`, error)
  }
  throw docsError('DOC_BAD_TICKET', 'input', 'this document ticket names no node')
}
