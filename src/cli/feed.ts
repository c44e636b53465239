import type { Command } from 'commander';
import { PAST_TIMEOUT_MS, pastMoment } from './moment.ts';
import { print, printJson, table } from './output.ts';
import { integer, type VerbContext } from './verbs.ts';

interface Page {
  readonly items: readonly {
    readonly content_id: string;
    readonly author: string;
    readonly created_at: string;
    readonly score: number;
    readonly engagement: Readonly<Record<'likes' | 'comments' | 'shares' | 'views', number>>;
  }[];
  readonly next_cursor: string | null;
}

export function feedVerb(program: Command, context: VerbContext): void {
  context
    .verb(program, 'feed <user-id>', 'the newest posts of those a user follows, ranked')
    .option('--limit <n>', 'posts on the page', integer(1, 100), 20)
    .option('--cursor <cursor>', 'the next page, as the one before names it')
    .option('--at <time>', 'as it was before a time of the past: RFC 3339, 14:00, or how long ago (2h)')
    .option('--json', 'one JSON object a line')
    .action(async (user: string, flags: { limit: number; cursor?: string; at?: string; json?: boolean }) => {
      const query = new URLSearchParams({ limit: String(flags.limit) });
      if (flags.cursor !== undefined) query.set('cursor', flags.cursor);
      if (flags.at !== undefined) query.set('at', new Date(pastMoment(flags.at, Date.now())).toISOString());
      await context.withClient({ consume: true }, async (client) => {
        const path = `/api/v1/users/${encodeURIComponent(user)}/feed?${query}`;
        const { items, next_cursor } = await client.request<Page>('GET', path, { timeoutMs: PAST_TIMEOUT_MS });
        if (flags.json) return items.forEach(printJson);
        if (items.length === 0) return print(`nothing yet: nobody whom ${user} follows has posted`);
        print(
          table(
            ['content', 'author', 'posted', 'likes', 'comments', 'shares', 'views'],
            items.map(({ content_id, author, created_at, engagement: { likes, comments, shares, views } }) => [
              content_id,
              author,
              created_at,
              likes,
              comments,
              shares,
              views,
            ]),
          ),
        );
        if (next_cursor !== null) print(`more: --cursor ${next_cursor}`);
      });
    });
}
