import type { ProjectionSummaryJson } from '../../../api/projections.ts';

export const ABOUT: Readonly<Record<ProjectionSummaryJson['name'], string>> = {
  engagement: 'Likes, shares, comments and views of each content',
  activity: 'How often each other type of event happened',
  feed: 'Who follows whom, who posted what, and what each user is shown',
  notifications: 'What each user is told, by whom, and has read',
  analytics: 'Counts over time, active users, top content, the funnel',
  moderation: 'What moderators did with a content, and what holds',
  sessions: 'Sessions that expired, by user',
};
