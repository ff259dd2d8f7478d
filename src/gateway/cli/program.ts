import { Command, CommanderError, Option } from 'commander'
import { errorMessage, isK2Error } from '../../base/errors.ts'
import { scrub } from '../observe/logger.ts'
import { VERSION } from '../version.ts'
import { addBackupCommands } from './backup.ts'
import { blobGc, blobGet, blobList, blobRemove, blobShare } from './blob.ts'
import { checkConfig } from './check-config.ts'
import { type CliContext, EXIT, exitCodeOf, type GlobalOptions } from './context.ts'
import { dmFollow, dmSend } from './dm.ts'
import { contactImport, profileImageSet } from './docs.ts'
import { doctor } from './doctor.ts'
import { addGatewayCommands } from './gateway-commands.ts'
import { addIdentityCommands } from './identity.ts'
import { intentParse } from './intent.ts'
import { nodeId, nodeStatus } from './node.ts'
import { qr } from './qr.ts'
import { queueDead, queueDiscard, queueLanes, queueReplay, queueWhy } from './queue.ts'
import { type ExplainOptions, rulesCheck, rulesExplain, rulesSimulate, rulesTest, type SimulateOptions } from './rules.ts'
import { run } from './run.ts'
import { addSecretCommands } from './secret.ts'
import { topicFollow, topicSend } from './topic.ts'
import { addTrackerCommands } from './tracker.ts'
import { type WorkerCliOptions, worker } from './worker.ts'

/** The whole command line. Answers the exit code; results go to `out`, everything else to `err`. */
export async function runProgram(argv: readonly string[], context: CliContext): Promise<number> {
  let code: number = EXIT.ok
  const program = new Command('k2gw')
    .description('K2 gateway: a K2 node that bridges Discord, Telegram and a web chat')
    .version(VERSION)
    .option('-c, --config <file>', 'configuration file (default: K2_CONFIG, ./k2gw.yaml, then k2gw.yaml in the data directory)')
    .addOption(new Option('--json', 'print results as JSON lines'))
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.out.write(text), writeErr: (text) => context.err.write(text) })
    .showHelpAfterError('(k2gw --help lists the commands)')
  const globals = (): GlobalOptions => program.opts<GlobalOptions>()
  const act = (work: () => Promise<number>) => async (): Promise<void> => {
    code = await work()
  }

  program
    .command('run')
    .description('run the gateway until it is stopped')
    .action(act(() => run(context, globals())))
  program
    .command('check-config')
    .description('check the configuration; names every problem with its line')
    .action(act(() => checkConfig(context, globals())))
  program
    .command('doctor')
    .description('check ports, stores, queue, tokens and clock, and say what to do')
    .action(act(() => doctor(context, globals())))

  const node = program.command('node').description('this K2 node')
  node
    .command('id')
    .description('print the node id, creating the key if there is none')
    .action(act(() => nodeId(context, globals())))
  node
    .command('status')
    .description('what the running node sees')
    .action(act(() => nodeStatus(context, globals())))

  const topic = program.command('topic').description('K2 topics')
  topic
    .command('follow <topic>')
    .description('print what arrives on a topic until stopped')
    .action((name: string) => act(() => topicFollow(context, globals(), name))())
  topic
    .command('send <topic> <text>')
    .description('write a line to a topic (public, cannot be recalled)')
    .option('--name <name>', 'shown as sender', 'k2gw')
    .action((name: string, text: string, options: { name: string }) =>
      act(() => topicSend(context, globals(), name, text, options.name))(),
    )

  const dm = program.command('dm').description('direct messages with contacts of the configuration, or with a node id')
  dm.command('follow <contact>')
    .description('print what a contact writes until stopped')
    .action((contact: string) => act(() => dmFollow(context, globals(), contact))())
  dm.command('send <contact> <text>')
    .description('write to a contact; fails when it is not connected')
    .option('--name <name>', 'shown as sender', 'k2gw')
    .action((contact: string, text: string, options: { name: string }) =>
      act(() => dmSend(context, globals(), contact, text, options.name))(),
    )

  program
    .command('contact')
    .description('the contact book of the running gateway')
    .command('import <file>')
    .description('take the contacts of a contacts.json of older K2 programs')
    .action((file: string) => act(() => contactImport(context, globals(), file))())
  program
    .command('profile')
    .description('how the running gateway presents itself in K2')
    .command('image-set <field> <file>')
    .description('replace an image (avatar, logo-dark, logo-light)')
    .action((field: string, file: string) => act(() => profileImageSet(context, globals(), field, file))())

  const blob = program.command('blob').description('files as K2 blobs: share, fetch, look, remove')
  blob
    .command('share <files...>')
    .description('print a ticket for a file, or one for several')
    .option('--name <name>', 'shown to others instead of the file name')
    .action((files: string[], own: { name?: string }) => act(() => blobShare(context, globals(), files, own.name))())
  blob
    .command('get <ticket>')
    .description('fetch a file, or a collection, into a folder; nothing is overwritten')
    .option('-o, --output <folder>', 'where to', '.')
    .option('--name <name>', 'instead of the name in the ticket')
    .addOption(new Option('--priority <level>', 'what goes first when many wait').choices(['high', 'normal', 'low']))
    .action((ticket: string, own: { output?: string; name?: string; priority?: string }) =>
      act(() => blobGet(context, globals(), ticket, own))(),
    )
  blob
    .command('list')
    .description('files the gateway keeps')
    .option('--limit <n>', 'how many', '100')
    .action((own: { limit: string }) => act(() => blobList(context, globals(), own.limit))())
  blob
    .command('rm <ids...>')
    .description('forget files, by id or hash')
    .action((ids: string[]) => act(() => blobRemove(context, globals(), ids))())
  blob
    .command('gc')
    .description('remove content that nothing keeps')
    .action(act(() => blobGc(context, globals())))
  program
    .command('qr <text>')
    .description('a QR code of a ticket or any text')
    .option('-o, --output <file>', 'a .png or .svg file instead of the terminal')
    .action((text: string, own: { output?: string }) => act(() => qr(context, globals(), text, own.output))())
  program
    .command('worker')
    .description('fetch files for a gateway from a process of its own, here or elsewhere; needs a Postgres database')
    .option('--queues <names>', 'which queues', 'blob-fetch')
    .option('--data-dir <folder>', 'of this worker alone (default: worker in the data directory)')
    .option('--bind <ip:port>', 'local address (default: any port)')
    .action((own: WorkerCliOptions) => act(() => worker(context, globals(), own))())

  const queue = program.command('queue').description('what waits for delivery, and what could not be delivered')
  queue
    .command('lanes')
    .description('destinations with waiting messages')
    .action(act(() => queueLanes(context, globals())))
  queue
    .command('dead')
    .description('messages that need a person')
    .option('--limit <n>', 'how many', '100')
    .action((options: { limit: string }) => act(() => queueDead(context, globals(), options.limit))())
  queue
    .command('replay <id>')
    .description('try a dead message again')
    .action((id: string) => act(() => queueReplay(context, globals(), id))())
  queue
    .command('discard <id>')
    .description('give a dead message up')
    .action((id: string) => act(() => queueDiscard(context, globals(), id))())
  queue
    .command('why <event>')
    .description('what became of an event: rules, routes, deliveries')
    .action((event: string) => act(() => queueWhy(context, globals(), event))())

  const rules = program.command('rules').description('rules: check, try and explain them; no gateway is needed')
  rules
    .command('check [files...]')
    .description('check rule files and run their examples; exit status 1 when they would be refused')
    .action((files: string[]) => act(() => rulesCheck(context, globals(), files))())
  rules
    .command('test [files...]')
    .description('run the examples and print what differs')
    .action((files: string[]) => act(() => rulesTest(context, globals(), files))())
  rules
    .command('explain')
    .description('what a text is read as, and why each rule does or does not fire')
    .requiredOption('--text <text>', 'the message')
    .option('--channel <channel>', 'where it was written')
    .option('--platform <platform>', 'discord, telegram, p2p or web')
    .option('--author <key>', 'who wrote it')
    .option('--trust <level>', 'blocked, unknown, verified, contact or trusted')
    .option('--profile <mode>', 'mode of the channel: off, observe, assist or auto')
    .option('--event <event>', 'such as message.create or intent.opened')
    .option('--rules <files...>', 'rule files or folders instead of the configured ones')
    .action((options: ExplainOptions) => act(() => rulesExplain(context, globals(), options))())
  rules
    .command('simulate')
    .description('replay stored messages through rules; nothing is sent or stored')
    .option('--from <time>', 'first moment, such as 2026-01-31')
    .option('--to <time>', 'last moment')
    .option('--in <file>', 'JSON lines {id, text, platform, channel, author, at} instead of the database')
    .option('--rules <files...>', 'rule files or folders instead of the configured ones')
    .action((options: SimulateOptions) => act(() => rulesSimulate(context, globals(), options))())

  const intent = program.command('intent').description('what messages want')
  intent
    .command('parse <text>')
    .description('read one text: intent, item, price, topic')
    .action((text: string) => act(() => intentParse(context, globals(), text))())

  addBackupCommands(program, context, globals, (work) => act(work)())
  addIdentityCommands(program, context, globals, (work) => act(work)())
  addSecretCommands(program, context, globals, (work) => act(work)())
  addTrackerCommands(program, context, globals, (work) => act(work)())

  try {
    await addGatewayCommands(program, argv, context, globals, (work) => act(work)())
    await program.parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    report(context, globals(), error)
    return exitCodeOf(error)
  }
}

function report(context: CliContext, options: GlobalOptions, error: unknown): void {
  const ours = isK2Error(error)
  const message = scrub(ours ? error.message : errorMessage(error), 5000)
  if (options.json) context.err.write(`${JSON.stringify({ error: { code: ours ? error.code : 'BUG', message } })}\n`)
  else context.err.write(`${ours ? error.code : 'unexpected error'}: ${message}\n`)
  if (!ours && error instanceof Error && error.stack) context.err.write(`${scrub(error.stack, 5000)}\n`)
}
