// The program of the thread that reads pages of the history of requests (page-reader.ts).
import { servePages } from '../pages/serve-pages.ts';
import { openPageRecords } from './page-records.ts';

servePages(openPageRecords);
