import type { Command } from 'commander';
import type { Client } from './client.ts';
import { timestamp } from './moment.ts';
import { print, printJson, table } from './output.ts';
import { integer, type VerbContext } from './verbs.ts';

interface Page {
  readonly items: readonly { readonly at: string; readonly unread: boolean; readonly text: string }[];
  readonly unread_count: number;
  readonly next_cursor: string | null;
}
interface Flags {
  readonly json?: boolean;
  readonly unread?: boolean;
  readonly limit: number;
  readonly cursor?: string;
}

export function notificationVerbs(program: Command, context: VerbContext): void {
  const noun = program.command('notifications').description('what users are told');
  context
    .verb(noun, 'list <user-id>', 'likes, comments, shares and follows, newest first')
    .option('--unread', 'only what is unread')
    .option('--limit <n>', 'at most so many', integer(1, 100), 20)
    .option('--cursor <cursor>', 'the next page, as the one before names it')
    .option('--json', 'one JSON object a line')
    .action((user: string, flags: Flags) =>
      context.withClient({ consume: true }, (client) => list(client, user, flags)),
    );
  context
    .verb(noun, 'read <user-id>', 'mark everything up to now, or to a time, as read')
    .option('--until <time>', '2026-05-27T14:00:00Z, 14:00, or -2h (default: now)', timestamp)
    .option('--json', 'print the event that says so, as a JSON object')
    .action((user: string, { until, json }: { until?: string; json?: boolean }) =>
      context.withClient({ consume: true }, async (client) => {
        const body = until === undefined ? {} : { until };
        const place = await client.request<{ event_id: string }>('POST', `${pathOf(user)}/read`, { body });
        if (json) return printJson(place);
        print(`read up to ${until ?? 'now'}: event ${place.event_id}`);
      }),
    );
}

async function list(client: Client, user: string, { json, unread, limit, cursor }: Flags): Promise<void> {
  const query = new URLSearchParams({ limit: String(limit) });
  if (unread) query.set('unread', 'true');
  if (cursor !== undefined) query.set('cursor', cursor);
  const page = await client.request<Page>('GET', `${pathOf(user)}?${query}`);
  if (json) return page.items.forEach(printJson);
  if (page.items.length === 0) return print(unread ? 'nothing unread' : 'no notifications yet');
  print(
    table(
      ['at', '', 'what'],
      page.items.map((item) => [item.at, item.unread ? 'new' : '', item.text]),
    ),
  );
  print(`${page.unread_count} unread`);
  if (page.next_cursor !== null) print(`more: --cursor ${page.next_cursor}`);
}

function pathOf(user: string): string {
  return `/api/v1/users/${encodeURIComponent(user)}/notifications`;
}
