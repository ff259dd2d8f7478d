import { type CliContext, EXIT, type GlobalOptions, print } from './context.ts'
import { printEvents } from './messages.ts'
import { withNode } from './with-node.ts'

/** `contact` is a name of the configuration or a node id. */
export async function dmFollow(context: CliContext, options: GlobalOptions, contact: string): Promise<number> {
  await withNode(context, options, { contact }, (node) => printEvents(context, options, node.follow({ contact }, context.signal)))
  return EXIT.ok
}

export async function dmSend(
  context: CliContext,
  options: GlobalOptions,
  contact: string,
  text: string,
  name: string,
): Promise<number> {
  await withNode(context, options, { contact }, async (node) => {
    const sent = await node.sendDirect(contact, text, name)
    print(context, options, sent, () => `sent to ${contact} (${sent.messageIds.map((id) => id.slice(0, 10)).join(', ')})`)
  })
  return EXIT.ok
}
