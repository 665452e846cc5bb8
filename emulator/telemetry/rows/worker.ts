// The program of the thread that reads pages of the log (row-reader.ts).
import { servePages } from '../pages/serve-pages.ts';
import { openRowRecords } from './row-records.ts';

servePages(openRowRecords);
