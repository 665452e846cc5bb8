/** Well-known modules, and the package to install for each. */
export const packageOf: { readonly [module: string]: string } = {
  PIL: 'pillow',
  accelerate: 'accelerate',
  anthropic: 'anthropic',
  bitsandbytes: 'bitsandbytes',
  boto3: 'boto3',
  bs4: 'beautifulsoup4',
  cv2: 'opencv-python-headless',
  diffusers: 'diffusers',
  einops: 'einops',
  fal_client: 'fal-client',
  faster_whisper: 'faster-whisper',
  huggingface_hub: 'huggingface-hub',
  imageio: 'imageio',
  librosa: 'librosa',
  matplotlib: 'matplotlib',
  moviepy: 'moviepy',
  numpy: 'numpy',
  onnx: 'onnx',
  onnxruntime: 'onnxruntime',
  openai: 'openai',
  pandas: 'pandas',
  peft: 'peft',
  rapidocr: 'rapidocr',
  redis: 'redis',
  safetensors: 'safetensors',
  scipy: 'scipy',
  sentence_transformers: 'sentence-transformers',
  sentencepiece: 'sentencepiece',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  soundfile: 'soundfile',
  tiktoken: 'tiktoken',
  timm: 'timm',
  torch: 'torch',
  torchaudio: 'torchaudio',
  torchvision: 'torchvision',
  transformers: 'transformers',
  trimesh: 'trimesh',
  ultralytics: 'ultralytics',
  vllm: 'vllm',
  whisper: 'openai-whisper',
  xformers: 'xformers',
};

/** Every runner has what the SDK needs. */
export const ofEveryRunner: readonly string[] = ['PIL'];

const science = ['numpy', 'scipy'];
const torch = ['torch', 'numpy'];
const hub = ['huggingface_hub', 'safetensors', 'numpy'];
const transformers = ['transformers', ...hub];

/**
 * What else comes with a package: more than it requires today, rather than less, as releases differ. Of a package that
 * is not here, nothing is known.
 */
const alsoBrings: { readonly [name: string]: readonly string[] } = {
  accelerate: [...torch, ...hub],
  anthropic: [],
  beautifulsoup4: [],
  bitsandbytes: torch,
  boto3: [],
  diffusers: [...hub, 'PIL'],
  einops: [],
  'fal-client': [],
  'faster-whisper': ['onnxruntime', 'huggingface_hub', 'numpy'],
  'huggingface-hub': [],
  imageio: ['numpy'],
  librosa: [...science, 'sklearn', 'soundfile'],
  matplotlib: ['numpy'],
  numpy: [],
  onnx: ['numpy'],
  onnxruntime: ['numpy'],
  'onnxruntime-gpu': ['numpy', 'onnxruntime'],
  openai: ['numpy'],
  'opencv-python': ['numpy', 'cv2'],
  'opencv-python-headless': ['numpy'],
  pandas: ['numpy'],
  pillow: [],
  redis: [],
  safetensors: ['numpy'],
  'scikit-image': [...science, 'imageio'],
  'scikit-learn': science,
  scipy: ['numpy'],
  sentencepiece: [],
  soundfile: ['numpy'],
  tiktoken: [],
  torch: ['numpy'],
  torchaudio: torch,
  torchvision: torch,
  transformers: hub,
  timm: [...torch, 'torchvision', ...hub],
  peft: [...torch, ...transformers, 'accelerate'],
  'sentence-transformers': [...torch, ...transformers, ...science, 'sklearn'],
};

/** The well-known modules that a package brings (its normalised name); `undefined`: not known. */
export function modulesOf(name: string): readonly string[] | undefined {
  if (!Object.hasOwn(alsoBrings, name)) return undefined;
  const own = Object.keys(packageOf).filter((module) => packageOf[module] === name);
  return [...own, ...(alsoBrings[name] ?? [])];
}
