/** Topics people joined or left by command: they win over the configuration at the next start. */
export interface TopicChoices {
  list(): Promise<readonly { readonly name: string; readonly joined: boolean }[]>
  save(name: string, joined: boolean, now: number): Promise<void>
}
