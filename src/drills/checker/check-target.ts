/** Where the checker finds what a drill has left. */
export interface CheckTarget {
  readonly historyFiles: readonly string[];
  readonly log:
    | { readonly kind: 'kafka'; readonly bootstrap: readonly string[] }
    | { readonly kind: 'embedded'; readonly directory: string };
  readonly stores:
    | { readonly kind: 'redis'; readonly host: string; readonly port: number }
    /** Of `engagement.db` and `activity.db`. */
    | { readonly kind: 'sqlite'; readonly directory: string };
  readonly groupId: string;
}
