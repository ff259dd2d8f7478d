import type { CommandDefinition } from '../definition.ts'
import { accessCommands } from './access.ts'
import { bridgeCommands } from './bridge.ts'
import { contactCommands } from './contact.ts'
import { helpCommand } from './help.ts'
import { linkCommands } from './link.ts'
import { nodeCommands } from './node.ts'
import type { BuiltinParts } from './parts.ts'
import { queueCommands } from './queue.ts'
import { topicCommands } from './topic.ts'

export type { BuiltinParts } from './parts.ts'
export { applyTopicChoices } from './topic.ts'

/** Commands of the gateway itself; capabilities bring their own. */
export function builtinCommands(parts: BuiltinParts): CommandDefinition[] {
  return [
    helpCommand(parts.registry),
    ...nodeCommands(parts),
    ...topicCommands(parts),
    ...contactCommands(parts),
    ...queueCommands(parts),
    ...bridgeCommands(parts),
    ...accessCommands(parts),
    ...linkCommands(parts),
  ]
}
