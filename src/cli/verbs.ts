import { type Command, type CommandOptions, Help, InvalidArgumentError, type Option } from 'commander';
import { type LoadedSettings, loadSettings, settingFlags, settingOptions } from '../config/settings.ts';
import { type Client, connect } from './client.ts';

/** Heading of the flags that are settings. */
export const SETTINGS_GROUP = 'Settings:';

/** What every verb needs: its settings as flags, and a client that is closed whatever happens. */
export class VerbContext {
  #loaded: LoadedSettings | null = null;

  /** A subcommand that takes the settings as flags, listed apart from its own options. */
  verb(parent: Command, nameAndArguments: string, description: string, options?: CommandOptions): Command {
    const command = parent.command(nameAndArguments, options).description(description);
    command.configureHelp({ groupItems: settingsLast });
    command.hook('preAction', (_, action) => {
      this.#loaded = loadSettings({ flags: settingFlags(action.opts()) });
    });
    command
      .optionsGroup(SETTINGS_GROUP)
      .option('--settings-file <file>', 'settings file (default: streamsocial.json, where there is one)');
    for (const { usage, description: text } of settingOptions()) command.option(usage, text);
    return command.optionsGroup('Options:');
  }

  get loaded(): LoadedSettings {
    this.#loaded ??= loadSettings();
    return this.#loaded;
  }

  async withClient<T>(options: { consume: boolean }, use: (client: Client) => Promise<T>): Promise<T> {
    const client = await connect(this.loaded, options);
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  }
}

/** What a verb has of its own comes first; the settings are the same everywhere. */
function settingsLast<T extends Command | Option>(
  all: T[],
  visible: T[],
  groupOf: (item: T) => string,
): Map<string, T[]> {
  const groups = Help.prototype.groupItems(all, visible, groupOf);
  const settings = groups.get(SETTINGS_GROUP) ?? [];
  if (groups.delete(SETTINGS_GROUP)) groups.set(SETTINGS_GROUP, settings);
  return groups;
}

export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return value;
  };
}

export function fraction(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

/** Collects repeated `key=value`. */
export function keyValue(text: string, earlier: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It must be key=value.');
  return { ...earlier, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Collects a repeated option. */
export function collected(text: string, earlier: readonly string[] = []): string[] {
  return [...earlier, text];
}
