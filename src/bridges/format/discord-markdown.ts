export { type DiscordPrintOptions, discordForm } from './discord-form.ts'
export { type DiscordNames, parseDiscordMarkdown } from './discord-markdown-parse.ts'
export { printDiscordMarkdown } from './discord-markdown-print.ts'
