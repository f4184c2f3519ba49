/* What a program written by hand for `examples/diehl_cook.neuro` takes to learn: 784 pixels, 100 excitatory cells, single precision, one
   thread.

       cc -O3 -march=native -ffast-math benches/peers/diehl_cook.c -lm -o diehl_cook
       ./diehl_cook train-images-idx3-ubyte [IMAGES]

   It prints milliseconds of processor time per presentation, and what shows that it does the same: presentations, spikes of each, and
   the mean of the thresholds. Pixels are visited where they have spikes: their numbers in a step are found by the gaps between
   them. A synapse is changed at the spikes of either cell; traces decay once per step, in vectors. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PIXELS = 784, CELLS = 100, PADDED = 112, IMAGE_STEPS = 700, REST_STEPS = 300, REFRACTORY = 10, SPIKES = 5 };
static const float DT = 0.5f; /* ms */

static float w[PIXELS][PADDED], x[PIXELS], near[PADDED], far[PADDED];
static float v[PADDED], exc[PADDED], inh[PADDED], theta[PADDED];
static float arriving[2][PADDED], inhibition[2];
static float own_inhibition[2][PADDED];
static int refractory[PADDED];

static uint64_t state[2] = {0x9E3779B97F4A7C15ull, 0xD1B54A32D192ED03ull};

/* Uniform between 0 and 1: xorshift128+. */
static double uniform(void) {
    uint64_t a = state[0], b = state[1], sum = a + b;
    state[0] = b;
    a ^= a << 23;
    state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);
    return (double)((sum >> 11) + 1) * 0x1p-53;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Every cell's weights sum to 78. */
static void normalise(void) {
    float sum[PADDED] = {0};
    for (int i = 0; i < PIXELS; i++)
        for (int j = 0; j < CELLS; j++) sum[j] += w[i][j];
    for (int j = 0; j < CELLS; j++) sum[j] = 78.0f / sum[j];
    for (int i = 0; i < PIXELS; i++)
        for (int j = 0; j < CELLS; j++) w[i][j] *= sum[j];
}

/* The spikes of a pixel in all steps of a presentation, by step. */
static uint16_t fired[IMAGE_STEPS][PIXELS];
static int count[IMAGE_STEPS];

static void draw(const uint8_t *image, float intensity) {
    memset(count, 0, sizeof count);
    for (int i = 0; i < PIXELS; i++) {
        if (!image[i]) continue;
        double log_complement = -(double)image[i] / 8 * intensity * 1e-3 * DT;
        for (long s = (long)floor(log(uniform()) / log_complement); s < IMAGE_STEPS;
             s += 1 + (long)floor(log(uniform()) / log_complement))
            fired[s][count[s]++] = (uint16_t)i;
    }
}

/* One step of 0.5 ms; returns the number of spikes. What arrives from a pixel acts in the next step, inhibition in the one after. */
static int step(int s, int n, const uint16_t *spikes) {
    const float decay_exc = expf(-DT / 1), decay_inh = expf(-DT / 2);
    const float decay_x = expf(-DT / 20), decay_near = expf(-DT / 20), decay_far = expf(-DT / 40), decay_theta = expf(-DT / 1e7f);
    int now = s & 1, next = now ^ 1, out = 0;
    uint8_t spiked[PADDED];
    for (int i = 0; i < PIXELS; i++) x[i] *= decay_x;
    for (int j = 0; j < PADDED; j++) {
        near[j] *= decay_near;
        far[j] *= decay_far;
        float g = 1 + exc[j] + inh[j], towards = (-65 - 100 * inh[j]) / g;
        float new = towards + (v[j] - towards) * expf(-DT / 100 * g);
        v[j] = refractory[j] > 0 ? -65 : new;
        refractory[j] -= refractory[j] > 0;
        theta[j] *= decay_theta;
        exc[j] = exc[j] * decay_exc + arriving[now][j];
        inh[j] = inh[j] * decay_inh + inhibition[now] - own_inhibition[now][j];
        arriving[now][j] = 0;
        own_inhibition[now][j] = 0;
        spiked[j] = v[j] > theta[j] - 72;
    }
    inhibition[now] = 0;
    for (int k = 0; k < n; k++) {
        float *row = w[spikes[k]];
        for (int j = 0; j < PADDED; j++) {
            arriving[next][j] += row[j];
            row[j] = fmaxf(row[j] - 1e-4f * near[j], 0);
        }
        x[spikes[k]] = 1;
    }
    for (int j = 0; j < CELLS; j++) {
        if (!spiked[j]) continue;
        out++;
        v[j] = -65;
        theta[j] += 0.05f;
        refractory[j] = REFRACTORY;
        inhibition[next] += 17;
        own_inhibition[next][j] += 17;
        for (int i = 0; i < PIXELS; i++) w[i][j] = fminf(w[i][j] + 1e-2f * x[i] * far[j], 1);
        near[j] = far[j] = 1;
    }
    return out;
}

int main(int argc, char **argv) {
    int images = argc > 2 ? atoi(argv[2]) : 2000;
    FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;
    uint8_t *all = malloc((size_t)images * PIXELS);
    if (!file || fseek(file, 16, SEEK_SET) || fread(all, PIXELS, (size_t)images, file) != (size_t)images) {
        fprintf(stderr, "needs the training images of MNIST, unpacked\n");
        return 1;
    }
    for (int i = 0; i < PIXELS; i++)
        for (int j = 0; j < CELLS; j++) w[i][j] = (float)(0.003 + 0.3 * uniform());
    for (int j = 0; j < PADDED; j++) v[j] = -105, theta[j] = 20;
    long shown = 0, spikes = 0, s = 0;
    double begun = seconds();
    for (int k = 0; k < images; k++) {
        int of_image = 0;
        for (float intensity = 2; of_image < SPIKES; intensity++, shown++) {
            normalise();
            draw(all + (size_t)k * PIXELS, intensity);
            of_image = 0;
            for (int t = 0; t < IMAGE_STEPS; t++) of_image += step((int)s++, count[t], fired[t]);
            for (int t = 0; t < REST_STEPS; t++) of_image += step((int)s++, 0, NULL);
            spikes += of_image;
        }
    }
    double mean = 0;
    for (int j = 0; j < CELLS; j++) mean += theta[j] / CELLS;
    printf("%.3f ms per presentation, %ld presentations, %.2f spikes each, mean theta %.2f mV\n",
           (seconds() - begun) * 1e3 / (double)shown, shown, (double)spikes / (double)shown, mean);
    return 0;
}
